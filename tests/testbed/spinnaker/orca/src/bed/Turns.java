package bed;

import com.netflix.spinnaker.orca.q.ExecutionLevel;
import com.netflix.spinnaker.orca.q.RunTask;
import com.netflix.spinnaker.q.MessageHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.util.ClassUtils;

/**
 * What is stored of one execution is stored by one at a time.
 *
 * <p>Orca's handlers read a stage, change it and store the whole of it. Measured (8.56.0): a cancel
 * can have a task run twice, then it is completed twice, and the second completion stores the stage
 * as RUNNING over the first one's CANCELED: the execution never ends. That is 1 of some hundred
 * cancels where tasks run every 50 ms, as here, and the tests would fail for it.
 */
public class Turns implements BeanPostProcessor {
  private final Map<String, Object> locks = new ConcurrentHashMap<>();

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (!(bean instanceof MessageHandler)) {
      return bean;
    }
    return Proxy.newProxyInstance(
        bean.getClass().getClassLoader(),
        ClassUtils.getAllInterfaces(bean),
        (proxy, method, arguments) -> {
          if (!method.getName().equals("invoke") || !changes(arguments[0])) {
            return call(bean, method, arguments);
          }
          synchronized (of(((ExecutionLevel) arguments[0]).getExecutionId())) {
            return call(bean, method, arguments);
          }
        });
  }

  /** What to hold while an execution is changed. */
  Object of(String execution) {
    return locks.computeIfAbsent(execution, id -> new Object());
  }

  /** A task may take as long as it likes. */
  private static boolean changes(Object message) {
    return message instanceof ExecutionLevel && !(message instanceof RunTask);
  }

  private static Object call(Object bean, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(bean, arguments);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause();
    }
  }
}
