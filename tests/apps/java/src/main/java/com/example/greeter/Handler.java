package com.example.greeter;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Properties;

/** Answers with the config that was baked into the package, as JSON. */
public final class Handler implements RequestHandler<Map<String, Object>, String> {
    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    @Override
    public String handleRequest(Map<String, Object> event, Context context) {
        try {
            return JSON.toJson(Map.of("greeting", "Hello, world!", "config", config()));
        } catch (IOException e) {
            throw new IllegalStateException("The package holds no config that can be read", e);
        }
    }

    private static Properties config() throws IOException {
        try (InputStream file = Handler.class.getResourceAsStream("/env.properties")) {
            if (file == null) {
                throw new FileNotFoundException("env.properties is not on the class path");
            }
            Properties config = new Properties();
            config.load(file);
            return config;
        }
    }
}
