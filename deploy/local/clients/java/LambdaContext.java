package lambdadeploy;

import java.lang.reflect.Proxy;
import java.net.HttpURLConnection;

/** Makes what a handler is told of its invocation: an instance of an interface that the package holds. */
final class LambdaContext {
    static final String INTERFACE = "com.amazonaws.services.lambda.runtime.Context";

    private LambdaContext() {}

    /** Returns the context; null for a package without the interface, whose handlers can't ask for one. */
    static Object of(HttpURLConnection invocation, ClassLoader loader) {
        Class<?> type;
        Object logger;
        try {
            type = loader.loadClass(INTERFACE);
            Class<?> runtime = loader.loadClass("com.amazonaws.services.lambda.runtime.LambdaRuntime");
            logger = runtime.getMethod("getLogger").invoke(null);
        } catch (ReflectiveOperationException e) {
            return null;
        }
        long deadline = Long.parseLong(invocation.getHeaderField("Lambda-Runtime-Deadline-Ms"));
        String id = invocation.getHeaderField("Lambda-Runtime-Aws-Request-Id");
        String arn = invocation.getHeaderField("Lambda-Runtime-Invoked-Function-Arn");
        return Proxy.newProxyInstance(loader, new Class<?>[] {type}, (proxy, method, arguments) -> {
            switch (method.getName()) {
                case "getAwsRequestId":
                    return id;
                case "getLogGroupName":
                    return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
                case "getLogStreamName":
                    return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
                case "getFunctionName":
                    return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
                case "getFunctionVersion":
                    return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
                case "getInvokedFunctionArn":
                    return arn;
                case "getRemainingTimeInMillis":
                    return (int) Math.max(0, deadline - System.currentTimeMillis());
                case "getMemoryLimitInMB":
                    return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
                case "getLogger":
                    return logger;
                case "equals":
                    return proxy == arguments[0];
                case "hashCode":
                    return System.identityHashCode(proxy);
                case "toString":
                    return "Context of " + id;
                default: // identity, client context, tenant: there are none here
                    return null;
            }
        });
    }
}
