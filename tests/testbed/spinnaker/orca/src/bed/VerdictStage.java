package bed;

import com.netflix.spinnaker.orca.api.pipeline.OverridableTimeoutRetryableTask;
import com.netflix.spinnaker.orca.api.pipeline.TaskResult;
import com.netflix.spinnaker.orca.api.pipeline.graph.StageDefinitionBuilder;
import com.netflix.spinnaker.orca.api.pipeline.graph.TaskNode;
import com.netflix.spinnaker.orca.api.pipeline.models.ExecutionStatus;
import com.netflix.spinnaker.orca.api.pipeline.models.StageExecution;
import java.time.Duration;
import java.util.Map;
import org.springframework.stereotype.Component;

/**
 * A stage that ends as it is asked to. Its context: `status` (SUCCEEDED), `outputs`, `seconds` (0)
 * until it ends; with `hold` it ends only when it is released; with `stubborn` it stays RUNNING after
 * a cancel, until as many seconds have passed or it is released.
 */
@Component
public class VerdictStage implements StageDefinitionBuilder {
  @Override
  public void taskGraph(StageExecution stage, TaskNode.Builder builder) {
    builder.withTask("reachVerdict", ReachVerdict.class);
  }

  /** Its one task. */
  @Component
  public static class ReachVerdict implements OverridableTimeoutRetryableTask {
    private final Releases releases;

    public ReachVerdict(Releases releases) {
      this.releases = releases;
    }

    @Override
    public long getBackoffPeriod() {
      return 50;
    }

    @Override
    public long getTimeout() {
      return Duration.ofHours(1).toMillis();
    }

    @Override
    public TaskResult execute(StageExecution stage) {
      Map<String, Object> context = stage.getContext();
      long ends = stage.getStartTime() + milliseconds(context.get("seconds"));
      boolean held = Boolean.TRUE.equals(context.get("hold")) && !releases.has(stage);
      if (held || System.currentTimeMillis() < ends) {
        return TaskResult.RUNNING;
      }
      var status = ExecutionStatus.valueOf((String) context.getOrDefault("status", "SUCCEEDED"));
      @SuppressWarnings("unchecked")
      var outputs = (Map<String, Object>) context.getOrDefault("outputs", Map.of());
      return TaskResult.builder(status).outputs(outputs).build();
    }

    @Override
    public void onCancel(StageExecution stage) {
      long ends = System.currentTimeMillis() + milliseconds(stage.getContext().get("stubborn"));
      while (System.currentTimeMillis() < ends && !releases.has(stage)) {
        try {
          Thread.sleep(50);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }

    /** Given as a number or, from an expression, as text. */
    private static long milliseconds(Object seconds) {
      return seconds == null ? 0 : (long) (1000 * Double.parseDouble(seconds.toString()));
    }
  }
}
