import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Collectors;

/** Reads a path a line from stdin, loads it with java.util.Properties, and prints a line of JSON. */
public final class ReadProperties {
    public static void main(String[] arguments) throws Exception {
        boolean asStream = arguments[0].equals("stream");
        BufferedReader paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = paths.readLine(); line != null; line = paths.readLine()) {
            Properties properties = new Properties();
            Path path = Path.of(line);
            if (asStream) {
                try (var stream = Files.newInputStream(path)) {
                    properties.load(stream);
                }
            } else {
                try (var reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
                    properties.load(reader);
                }
            }
            Json.print(
                    properties.stringPropertyNames().stream()
                            .collect(Collectors.toMap(name -> name, properties::getProperty)));
        }
    }
}
