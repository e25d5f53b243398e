package bed;

import com.netflix.spinnaker.orca.api.pipeline.RetryableTask;
import com.netflix.spinnaker.orca.api.pipeline.TaskResult;
import com.netflix.spinnaker.orca.api.pipeline.graph.StageDefinitionBuilder;
import com.netflix.spinnaker.orca.api.pipeline.graph.TaskNode;
import com.netflix.spinnaker.orca.api.pipeline.models.ExecutionStatus;
import com.netflix.spinnaker.orca.api.pipeline.models.StageExecution;
import java.time.Duration;
import java.util.Map;
import org.springframework.stereotype.Component;

/**
 * The manual judgment of this bed; Orca's own is in an artifact that is not published. What it
 * shows (instructions, judgmentInputs) and what it is answered (judgmentStatus, judgmentInput) stays
 * in its context, as there.
 */
@Component
public class ManualJudgmentStage implements StageDefinitionBuilder {
  @Override
  public void taskGraph(StageExecution stage, TaskNode.Builder builder) {
    builder.withTask("waitForJudgment", AwaitJudgment.class);
  }

  @Override
  public void prepareStageForRestart(StageExecution stage) {
    stage.getContext().remove("judgmentStatus");
    stage.getContext().remove("lastModifiedBy");
  }

  /** Waits for an answer. Orca's own looks every 15 s. */
  @Component
  public static class AwaitJudgment implements RetryableTask {
    @Override
    public long getBackoffPeriod() {
      return 200;
    }

    @Override
    public long getTimeout() {
      return Duration.ofDays(3).toMillis();
    }

    @Override
    public TaskResult execute(StageExecution stage) {
      Map<String, Object> context = stage.getContext();
      var answer = String.valueOf(context.getOrDefault("judgmentStatus", "")).toLowerCase();
      switch (answer) {
        case "continue":
          return TaskResult.ofStatus(ExecutionStatus.SUCCEEDED);
        case "stop":
          return TaskResult.ofStatus(ExecutionStatus.TERMINAL);
        default:
          return TaskResult.RUNNING;
      }
    }
  }
}
