package bed;

import static com.netflix.spinnaker.orca.api.pipeline.models.ExecutionType.PIPELINE;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.netflix.spinnaker.orca.api.pipeline.models.PipelineExecution;
import com.netflix.spinnaker.orca.api.pipeline.models.StageExecution;
import com.netflix.spinnaker.orca.api.pipeline.models.Trigger;
import com.netflix.spinnaker.orca.pipeline.CompoundExecutionOperator;
import com.netflix.spinnaker.orca.pipeline.ExecutionLauncher;
import com.netflix.spinnaker.orca.pipeline.persistence.ExecutionNotFoundException;
import com.netflix.spinnaker.orca.pipeline.persistence.ExecutionRepository;
import com.netflix.spinnaker.orca.pipeline.persistence.ExecutionRepository.ExecutionCriteria;
import com.netflix.spinnaker.orca.pipeline.util.ContextParameterProcessor;
import com.netflix.spinnaker.security.AuthenticatedRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Orca's HTTP API as far as Gate needs it for pipelines, over the engine's own services. */
@RestController
public class Executions {
  private final ExecutionLauncher launcher;
  private final CompoundExecutionOperator operator;
  private final ExecutionRepository repository;
  private final ContextParameterProcessor expressions;
  private final ObjectMapper mapper;
  private final Turns turns;

  public Executions(
      ExecutionLauncher launcher,
      CompoundExecutionOperator operator,
      ExecutionRepository repository,
      ContextParameterProcessor expressions,
      ObjectMapper mapper,
      Turns turns) {
    this.launcher = launcher;
    this.operator = operator;
    this.repository = repository;
    this.expressions = expressions;
    this.mapper = mapper;
    this.turns = turns;
  }

  @ResponseStatus(HttpStatus.CONFLICT)
  static class StillRunning extends RuntimeException {}

  @ResponseStatus(HttpStatus.NOT_FOUND)
  @ExceptionHandler(ExecutionNotFoundException.class)
  Map<String, Object> notFound(ExecutionNotFoundException error) {
    return Map.of("status", 404, "error", "Not Found", "message", error.getMessage());
  }

  @PostMapping("/orchestrate")
  Map<String, Object> orchestrate(@RequestBody Map<String, Object> pipeline) {
    Map<String, Object> trigger = object(pipeline.get("trigger"));
    trigger.putIfAbsent("type", "manual");
    trigger.putIfAbsent("user", user());
    if (trigger.get("parameters") == null) {
      trigger.put("parameters", new HashMap<>());
    }
    pipeline.put("trigger", trigger);
    linkStages(pipeline);
    var given = new HashMap<String, Object>(Map.of("trigger", trigger));
    Map<String, Object> processed = expressions.process(pipeline, given, false);
    processed.put("trigger", mapper.convertValue(processed.get("trigger"), Trigger.class));
    processed.putIfAbsent(
        "origin", AuthenticatedRequest.getSpinnakerUserOrigin().orElse("unknown"));
    return Map.of("ref", "/pipelines/" + launcher.start(PIPELINE, processed).getId());
  }

  @GetMapping("/pipelines/{id}")
  PipelineExecution execution(@PathVariable String id) {
    return repository.retrieve(PIPELINE, id);
  }

  @GetMapping("/pipelines")
  List<PipelineExecution> list(
      @RequestParam(required = false) List<String> executionIds,
      @RequestParam(required = false) List<String> pipelineConfigIds,
      @RequestParam(required = false) List<String> statuses,
      @RequestParam(defaultValue = "1") int limit) {
    if (executionIds != null) {
      return executionIds.stream().flatMap(this::find).collect(Collectors.toList());
    }
    var criteria = new ExecutionCriteria().setPageSize(limit);
    if (statuses != null) {
      criteria.setStatuses(statuses);
    }
    var found = new ArrayList<PipelineExecution>();
    for (String id : pipelineConfigIds == null ? List.<String>of() : pipelineConfigIds) {
      repository
          .retrievePipelinesForPipelineConfigId(id, criteria)
          .toBlocking()
          .forEach(found::add);
    }
    return newestFirst(found);
  }

  @GetMapping("/applications/{application}/pipelines")
  List<PipelineExecution> ofApplication(@PathVariable String application) {
    var found = new ArrayList<PipelineExecution>();
    repository.retrievePipelinesForApplication(application).toBlocking().forEach(found::add);
    return newestFirst(found);
  }

  @GetMapping("/applications/{application}/pipelines/search")
  List<PipelineExecution> search(
      @PathVariable String application,
      @RequestParam(required = false) String eventId,
      @RequestParam(required = false) String trigger,
      @RequestParam(required = false) List<String> statuses,
      @RequestParam(defaultValue = "0") int startIndex,
      @RequestParam(defaultValue = "10") int size)
      throws IOException {
    var wanted = new HashMap<Object, Object>();
    if (trigger != null) {
      wanted.putAll(mapper.readValue(Base64.getDecoder().decode(trigger), Map.class));
    }
    if (eventId != null) {
      wanted.put("eventId", eventId);
    }
    return ofApplication(application).stream()
        .filter(one -> statuses == null || statuses.contains(one.getStatus().name()))
        .filter(one -> fields(one.getTrigger()).entrySet().containsAll(wanted.entrySet()))
        .skip(startIndex)
        .limit(size)
        .collect(Collectors.toList());
  }

  @DeleteMapping("/pipelines/{id}")
  void delete(@PathVariable String id) {
    if (!execution(id).getStatus().isComplete()) {
      throw new StillRunning();
    }
    repository.delete(PIPELINE, id);
  }

  // What follows looks for the execution first: 404, as in Orca's own tier.

  @PutMapping("/pipelines/{id}/cancel")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void cancel(@PathVariable String id, @RequestParam(required = false) String reason) {
    execution(id);
    operator.cancel(PIPELINE, id, user(), reason);
  }

  @PutMapping("/pipelines/{id}/pause")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void pause(@PathVariable String id) {
    execution(id);
    operator.pause(PIPELINE, id, user());
  }

  @PutMapping("/pipelines/{id}/resume")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void resume(@PathVariable String id) {
    execution(id);
    operator.resume(PIPELINE, id, user(), false);
  }

  @PatchMapping("/pipelines/{id}/stages/{stageId}")
  PipelineExecution update(
      @PathVariable String id,
      @PathVariable String stageId,
      @RequestBody Map<String, Object> context) {
    execution(id);
    var modified = new StageExecution.LastModifiedDetails();
    modified.setUser(user());
    modified.setAllowedAccounts(List.of());
    modified.setLastModifiedTime(System.currentTimeMillis());
    synchronized (turns.of(id)) {
      return operator.updateStage(
          PIPELINE,
          id,
          stageId,
          stage -> {
            stage.getContext().putAll(context);
            stage.setLastModified(modified);
            stage.getContext().put("lastModifiedBy", modified.getUser());
          });
    }
  }

  @PutMapping("/pipelines/{id}/stages/{stageId}/restart")
  PipelineExecution restart(
      @PathVariable String id,
      @PathVariable String stageId,
      @RequestBody Map<String, Object> details) {
    execution(id);
    return operator.restartStage(id, stageId, details);
  }

  /** Stages without references follow each other. */
  private static void linkStages(Map<String, Object> pipeline) {
    @SuppressWarnings("unchecked")
    var stages = (List<Map<String, Object>>) pipeline.get("stages");
    if (stages.stream().anyMatch(stage -> stage.get("refId") != null)) {
      return;
    }
    for (int i = 0; i < stages.size(); i++) {
      stages.get(i).put("refId", String.valueOf(i));
      stages.get(i).put("requisiteStageRefIds", i == 0 ? List.of() : List.of("" + (i - 1)));
    }
  }

  private Stream<PipelineExecution> find(String id) {
    try {
      return Stream.of(execution(id));
    } catch (ExecutionNotFoundException unknown) {
      return Stream.empty();
    }
  }

  private static List<PipelineExecution> newestFirst(List<PipelineExecution> executions) {
    executions.sort(Comparator.comparing(PipelineExecution::getBuildTime).reversed());
    return executions;
  }

  private Map<?, ?> fields(Trigger trigger) {
    return mapper.convertValue(trigger, Map.class);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object given) {
    return given instanceof Map ? (Map<String, Object>) given : new HashMap<>();
  }

  private static String user() {
    return AuthenticatedRequest.getSpinnakerUser().orElse("anonymous");
  }
}
