package lambdadeploy;

import java.io.File;
import java.io.IOError;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.Proxy;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs a Java handler: asks the Lambda Runtime API for events, and gives it the handler's answers.
 *
 * <p>It is a program of its own, started by the Java that the function needs. Answers and errors are those of AWS's own
 * runtime interface client. https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
public final class Client {
    private static final String CORE = "com.amazonaws.services.lambda.runtime.".replace('.', '/');

    private final String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/";

    private Client() {}

    /** Loads the handler, and runs invocations until this process is ended. */
    public static void main(String[] arguments) throws Exception {
        new Client().run(System.getenv("_HANDLER"), new File(System.getenv("LAMBDA_TASK_ROOT")));
    }

    private void run(String name, File taskRoot) throws IOException {
        ClassLoader loader = new URLClassLoader(classPath(taskRoot), ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        Handler handler;
        try {
            handler = Handlers.load(name, loader);
        } catch (Fault fault) {
            log(fault);
            call("init/error", json(describe(fault)));
            System.exit(1);
            return;
        }
        boolean goesOn = true;
        while (goesOn) {
            goesOn = handleNext(handler, loader);
        }
        System.exit(0);
    }

    /** Runs one invocation; returns whether there may be another one. */
    private boolean handleNext(Handler handler, ClassLoader loader) throws IOException {
        HttpURLConnection next = open("invocation/next");
        byte[] event = readAll(next);
        String id = next.getHeaderField("Lambda-Runtime-Aws-Request-Id");
        System.setProperty("com.amazonaws.xray.traceHeader", next.getHeaderField("Lambda-Runtime-Trace-Id"));
        String path = "invocation/" + id + "/";
        try {
            byte[] answer = handler.handle(event, LambdaContext.of(next, loader));
            flush();
            call(path + "response", answer);
            return true;
        } catch (Throwable error) {
            cut(error, Collections.newSetFromMap(new IdentityHashMap<>()));
            log(error);
            call(path + "error", json(describe(error)));
            boolean isFatal = error instanceof Fault && ((Fault) error).isFatal;
            return !isFatal && !(error instanceof VirtualMachineError) && !(error instanceof IOError);
        }
    }

    // --- errors ---------------------------------------------------------------------------------

    private static Map<String, Object> describe(Throwable error) {
        Map<String, Object> described = new LinkedHashMap<>();
        if (error instanceof Fault) {
            described.put("errorMessage", error.getMessage());
            if (error.getCause() != null) {
                described.put("errorType", error.getCause().getClass().getName());
            }
            return described;
        }
        described.put("errorMessage", message(error));
        described.put("errorType", error.getClass().getName());
        List<String> trace = new ArrayList<>();
        for (StackTraceElement frame : error.getStackTrace()) {
            trace.add(frame.toString());
        }
        described.put("stackTrace", trace);
        return described;
    }

    private static String message(Throwable error) {
        String message = error.getLocalizedMessage();
        return message == null ? error.getClass().getName() : message;
    }

    /** Leaves the frames of the handler, without those of what calls it. */
    private static void cut(Throwable error, Set<Throwable> seen) {
        if (error == null || !seen.add(error)) {
            return;
        }
        StackTraceElement[] frames = error.getStackTrace();
        for (int i = 0; i < frames.length; i++) {
            if (frames[i].getClassName().startsWith("lambdadeploy.")) {
                error.setStackTrace(Arrays.copyOf(frames, i));
                break;
            }
        }
        cut(error.getCause(), seen);
        for (Throwable suppressed : error.getSuppressed()) {
            cut(suppressed, seen);
        }
    }

    private static void log(Throwable error) {
        Throwable shown = error instanceof Fault ? error.getCause() : error;
        String message = error instanceof Fault ? error.getMessage() : message(error);
        if (shown == null) {
            System.out.println(message);
        } else {
            cut(shown, Collections.newSetFromMap(new IdentityHashMap<>()));
            StringWriter trace = new StringWriter();
            shown.printStackTrace(new PrintWriter(trace, true));
            System.out.println(message + ": " + shown.getClass().getName() + "\n" + trace);
        }
        if (shown instanceof NoClassDefFoundError && String.valueOf(shown.getMessage()).startsWith(CORE)) {
            System.out.println("Lambda's runtime brings aws-lambda-java-core along. To run here, the package has to hold it.");
        }
        flush();
    }

    private static void flush() {
        for (PrintStream stream : List.of(System.out, System.err)) {
            stream.flush();
        }
    }

    // --- the Runtime API ------------------------------------------------------------------------

    private HttpURLConnection open(String path) throws IOException {
        return (HttpURLConnection) URI.create(api + path).toURL().openConnection(Proxy.NO_PROXY);
    }

    private void call(String path, byte[] body) throws IOException {
        HttpURLConnection connection = open(path);
        connection.setRequestMethod("POST");
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setDoOutput(true);
        connection.setFixedLengthStreamingMode(body.length);
        connection.getOutputStream().write(body);
        readAll(connection);
    }

    private static byte[] readAll(HttpURLConnection connection) throws IOException {
        try (InputStream stream = connection.getInputStream()) {
            return stream.readAllBytes();
        }
    }

    private static byte[] json(Map<String, Object> described) {
        try {
            return Writer.write(described, Object.class).getBytes(StandardCharsets.UTF_8);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e); // texts and lists have no getters to fail
        }
    }

    private static URL[] classPath(File taskRoot) throws MalformedURLException {
        List<URL> urls = new ArrayList<>(List.of(taskRoot.toURI().toURL()));
        File[] jars = new File(taskRoot, "lib").listFiles((folder, name) -> name.endsWith(".jar"));
        if (jars != null) {
            Arrays.sort(jars);
            for (File jar : jars) {
                urls.add(jar.toURI().toURL());
            }
        }
        return urls.toArray(new URL[0]);
    }
}
