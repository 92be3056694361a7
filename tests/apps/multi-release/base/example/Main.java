package example;

import java.io.InputStream;
import java.util.Properties;

/** Prints which version of a class was loaded, and the greeting of the config. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Properties config = new Properties();
        try (InputStream file = Main.class.getResourceAsStream("/env.properties")) {
            if (file != null) {
                config.load(file);
            }
        }
        System.out.println(Version.name() + ": " + config.getProperty("GREETING"));
    }
}
