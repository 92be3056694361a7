import java.util.Map;
import java.util.stream.Collectors;

/** Prints strings as one line of JSON in pure ASCII, so that no charset comes between us and the test. */
final class Json {
    private Json() {}

    static void print(Map<String, String> strings) {
        System.out.println(
                strings.entrySet().stream()
                        .map(entry -> quoted(entry.getKey()) + ":" + quoted(entry.getValue()))
                        .collect(Collectors.joining(",", "{", "}")));
    }

    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char unit : text.toCharArray()) {
            boolean plain = unit < 0x80 && Character.isLetterOrDigit(unit);
            json.append(plain ? String.valueOf(unit) : String.format("\\u%04x", (int) unit));
        }
        return json.append('"').toString();
    }
}
