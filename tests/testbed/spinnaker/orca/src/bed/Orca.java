package bed;

import com.netflix.spinnaker.fiat.shared.EnableFiatAutoConfig;
import com.netflix.spinnaker.filters.AuthenticatedRequestFilter;
import com.netflix.spinnaker.kork.boot.DefaultPropertiesBuilder;
import com.netflix.spinnaker.orca.config.OrcaConfiguration;
import com.netflix.spinnaker.orca.config.RedisConfiguration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.groovy.template.GroovyTemplateAutoConfiguration;
import org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.event.EventListener;
import org.springframework.core.Ordered;
import org.springframework.scheduling.annotation.EnableAsync;

/** The published Orca engine with an HTTP tier of this bed: Orca's own is not published. */
@Configuration
@EnableAsync
@EnableFiatAutoConfig
@EnableAutoConfiguration(
    exclude = {GroovyTemplateAutoConfiguration.class, DataSourceAutoConfiguration.class})
@ComponentScan("com.netflix.spinnaker.config")
@Import({
  OrcaConfiguration.class,
  RedisConfiguration.class,
  Executions.class,
  ManualJudgmentStage.class,
  ManualJudgmentStage.AwaitJudgment.class,
  Releases.class,
  Turns.class,
  VerdictStage.class,
  VerdictStage.ReachVerdict.class
})
public class Orca {
  public static void main(String[] arguments) {
    new SpringApplicationBuilder()
        .properties(
            new DefaultPropertiesBuilder().property("spring.application.name", "orca").build())
        .sources(Orca.class)
        .run(arguments);
  }

  /** Carries X-SPINNAKER-USER into the engine. */
  @Bean
  FilterRegistrationBean<AuthenticatedRequestFilter> users() {
    var filter = new FilterRegistrationBean<>(new AuthenticatedRequestFilter(true));
    filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
    return filter;
  }

  /** Tells the guardian the port, in one piece: the file appears when requests are served. */
  @EventListener
  public void tellPort(ApplicationReadyEvent ready) throws IOException {
    var context = (ServletWebServerApplicationContext) ready.getApplicationContext();
    var port = context.getWebServer().getPort();
    var directory = Path.of(System.getProperty("bed.directory"));
    var written = Files.writeString(directory.resolve("orca.port.new"), Integer.toString(port));
    Files.move(written, directory.resolve("orca.port"), StandardCopyOption.ATOMIC_MOVE);
  }
}
