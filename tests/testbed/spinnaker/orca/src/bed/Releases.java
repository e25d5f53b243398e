package bed;

import com.netflix.spinnaker.orca.api.pipeline.models.StageExecution;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/**
 * The stages that may end. Not a part of their context: an update of a stage has Orca run its task
 * again, and where the task ends at that moment it may be completed twice, the stage never (8.56.0).
 */
@RestController
public class Releases {
  private final Set<String> stages = ConcurrentHashMap.newKeySet();

  @PutMapping("/releases/{stageId}")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  void release(@PathVariable String stageId) {
    stages.add(stageId);
  }

  boolean has(StageExecution stage) {
    return stages.contains(stage.getId());
  }
}
