import java.util.Map;
import java.util.stream.Collectors;

/** Calls the handleRequest of a class, as the managed Java runtime does, and prints its answer as JSON. */
public final class CallHandler {
    public static void main(String[] arguments) throws Exception {
        Object handler = Class.forName(arguments[0]).getConstructor().newInstance();
        Object answer =
                handler.getClass().getMethod("handleRequest", Object.class).invoke(handler, Map.of());
        if (answer instanceof Map) {
            Json.print(
                    ((Map<?, ?>) answer)
                            .entrySet().stream()
                                    .collect(Collectors.toMap(e -> (String) e.getKey(), e -> (String) e.getValue())));
        } else {
            System.out.println(Json.quoted((String) answer));
        }
    }
}
