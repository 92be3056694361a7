package com.example.boot;

import com.google.gson.JsonPrimitive;
import java.io.InputStream;
import java.util.Properties;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** Prints, with the help of two JARs within its JAR (one of them signed), the config baked beside them. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Properties config = new Properties();
        try (InputStream file = Main.class.getResourceAsStream("/env.properties")) {
            if (file != null) {
                config.load(file);
            }
        }
        String provider = new BouncyCastleProvider().getName();
        System.out.println(provider + ": " + new JsonPrimitive(config.getProperty("GREETING")));
    }
}
