package lambdadeploy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds the handler that a name means, as Lambda does: of an interface, or any method. */
final class Handlers {
    private static final String RUNTIME = "com.amazonaws.services.lambda.runtime.";
    private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);

    private Handlers() {}

    /** Returns the handler; one that can't be called reports why at each call. Throws Fault if nothing can be called. */
    static Handler load(String name, ClassLoader loader) {
        int colons = name.lastIndexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String method = colons < 0 ? null : name.substring(colons + 2);
        if (className.isEmpty() || (method != null && method.isEmpty())) {
            return failing(new Fault("Invalid handler: `" + name + "'"));
        }
        String failure = "Error loading class " + className;
        try {
            Class<?> found = Class.forName(className, true, loader);
            return method == null ? ofInterface(found, loader) : ofMethods(found, method);
        } catch (ClassNotFoundException e) {
            return failing(new Fault("Class not found: " + className, e, false));
        } catch (NoClassDefFoundError e) {
            return failing(new Fault(failure + ": " + e.getMessage(), e, true));
        } catch (Fault fault) {
            if (fault.isFatal) {
                throw fault;
            }
            return failing(fault);
        } catch (Throwable e) {
            throw new Fault(failure + (e.getMessage() == null ? "" : ": " + e.getMessage()), e, true);
        }
    }

    private static Handler failing(Fault fault) {
        return (event, context) -> {
            throw fault;
        };
    }

    private static Object instance(Class<?> type) {
        try {
            Constructor<?> constructor = type.getConstructor();
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            String message = cause.getLocalizedMessage();
            throw new Fault(message == null ? cause.getClass().getName() : message, cause, true);
        } catch (NoSuchMethodException e) {
            boolean isInner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
            String why = isInner
                    ? " cannot be instantiated because it is a non-static inner class"
                    : " has no public zero-argument constructor";
            String message = "Class " + type.getName() + why;
            throw new Fault(message, new Exception(message), false);
        } catch (ReflectiveOperationException e) {
            throw new Fault(String.valueOf(e.getMessage()), e, false);
        }
    }

    // --- interfaces -----------------------------------------------------------------------------

    private static Handler ofInterface(Class<?> type, ClassLoader loader) throws ReflectiveOperationException {
        Class<?> context = find(LambdaContext.INTERFACE, loader);
        Class<?> streams = find(RUNTIME + "RequestStreamHandler", loader);
        Class<?> values = find(RUNTIME + "RequestHandler", loader);
        // Called by a handle, which leaves no frames of reflection in a stack trace.
        if (streams != null && streams.isAssignableFrom(type)) {
            MethodHandle handle = MethodHandles.publicLookup()
                    .unreflect(streams.getMethod("handleRequest", InputStream.class, OutputStream.class, context))
                    .bindTo(instance(type));
            return (event, given) -> {
                ByteArrayOutputStream answer = new ByteArrayOutputStream();
                handle.invoke((InputStream) new ByteArrayInputStream(event), (OutputStream) answer, given);
                return answer.toByteArray();
            };
        }
        if (values != null && values.isAssignableFrom(type)) {
            Type[] types = parameters(type, values, new HashMap<>());
            for (Type open : types) {
                if (Types.isUnbounded(open)) {
                    throw new Fault("Class " + type.getName()
                            + " does not implement RequestHandler with concrete type parameters: parameter " + open
                            + " has no upper bound.");
                }
            }
            MethodHandle handle = MethodHandles.publicLookup()
                    .unreflect(values.getMethod("handleRequest", Object.class, context))
                    .bindTo(instance(type));
            return ofValues((input, given) -> handle.invoke(input, given), types[0], types[1]);
        }
        throw new Fault("Class does not implement an appropriate handler interface: " + type.getName());
    }

    private static Class<?> find(String name, ClassLoader loader) {
        try {
            return loader.loadClass(name);
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    /** Returns what a class gives for the type parameters of an interface, which it implements. */
    private static Type[] parameters(Class<?> type, Class<?> wanted, Map<String, Type> known) {
        List<Type> parents = new ArrayList<>(Arrays.asList(type.getGenericInterfaces()));
        if (type.getGenericSuperclass() != null) {
            parents.add(type.getGenericSuperclass());
        }
        for (Type parent : parents) {
            Class<?> raw = Types.raw(parent);
            if (!wanted.isAssignableFrom(raw)) {
                continue;
            }
            Type[] given = parent instanceof ParameterizedType
                    ? ((ParameterizedType) parent).getActualTypeArguments().clone()
                    : new Type[0];
            Map<String, Type> inner = new HashMap<>();
            for (int i = 0; i < given.length; i++) {
                if (given[i] instanceof TypeVariable) {
                    given[i] = known.getOrDefault(((TypeVariable<?>) given[i]).getName(), given[i]);
                }
                inner.put(raw.getTypeParameters()[i].getName(), given[i]);
            }
            if (raw != wanted) {
                return parameters(raw, wanted, inner);
            }
            if (given.length > 0) {
                return given;
            }
        }
        throw new Fault("Class " + type.getName() + " does not implement RequestHandler with concrete type parameters");
    }

    // --- methods --------------------------------------------------------------------------------

    private static Handler ofMethods(Class<?> type, String name) {
        List<Method> methods = new ArrayList<>();
        for (Method method : type.getMethods()) {
            if (method.getName().equals(name)) {
                methods.add(method);
            }
        }
        methods.sort(Comparator.comparing(Method::isBridge).thenComparing(Handlers::weight, Comparator.reverseOrder()));
        for (Method method : methods) {
            Handler handler = ofMethod(type, method);
            if (handler != null) {
                return handler;
            }
        }
        throw new Fault("No public method named " + name + " with appropriate method signature found on class "
                + type.getName());
    }

    private static int weight(Method method) {
        Class<?>[] types = method.getParameterTypes();
        return types.length + (types.length > 0 && isContext(types[types.length - 1]) ? 1 : 0);
    }

    private static boolean isContext(Class<?> type) {
        return type.getName().equals(LambdaContext.INTERFACE);
    }

    /** Returns the handler that a method is; null if its parameters are not those of one. */
    private static Handler ofMethod(Class<?> type, Method method) {
        List<Class<?>> types = new ArrayList<>(Arrays.asList(method.getParameterTypes()));
        boolean takesContext = !types.isEmpty() && isContext(types.get(types.size() - 1));
        if (takesContext) {
            types.remove(types.size() - 1);
        }
        boolean takesOutput = types.remove(OutputStream.class);
        boolean takesInput = types.remove(InputStream.class);
        boolean isStream = takesInput || takesOutput;
        boolean isInOrder = !(takesInput && takesOutput) || method.getParameterTypes()[0] == InputStream.class;
        if (!isInOrder || types.size() > (isStream ? 0 : 1) || types.stream().anyMatch(Handlers::isContext)) {
            return null;
        }
        Object instance = Modifier.isStatic(method.getModifiers()) ? null : instance(type);
        if (!isStream) {
            Type input = types.isEmpty() ? null : method.getGenericParameterTypes()[0];
            return ofValues(
                    (value, context) -> call(method, instance, arguments(input != null, value, takesContext, context)),
                    input,
                    method.getGenericReturnType());
        }
        return (event, context) -> {
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            List<Object> arguments = new ArrayList<>();
            if (takesInput) {
                arguments.add(new ByteArrayInputStream(event));
            }
            if (takesOutput) {
                arguments.add(answer);
            }
            if (takesContext) {
                arguments.add(context);
            }
            call(method, instance, arguments.toArray());
            return takesOutput ? answer.toByteArray() : NULL;
        };
    }

    private static Object[] arguments(boolean takesValue, Object value, boolean takesContext, Object context) {
        List<Object> arguments = new ArrayList<>();
        if (takesValue) {
            arguments.add(value);
        }
        if (takesContext) {
            arguments.add(context);
        }
        return arguments.toArray();
    }

    private static Object call(Method method, Object instance, Object[] arguments) throws Throwable {
        try {
            return method.invoke(instance, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    // --- values ---------------------------------------------------------------------------------

    private interface Function {
        Object apply(Object input, Object context) throws Throwable;
    }

    /** Returns a handler of values, which are read from JSON and written as JSON; an input of null is none. */
    private static Handler ofValues(Function function, Type input, Type output) {
        return (event, context) -> {
            Object value;
            try {
                value = input == null ? null : Reader.read(new String(event, StandardCharsets.UTF_8), input);
            } catch (Throwable e) {
                throw new RuntimeException("An error occurred during JSON parsing", e);
            }
            Object answer = function.apply(value, context);
            try {
                boolean isNothing = output == void.class || output == Void.class;
                return isNothing ? NULL : Writer.write(answer, output).getBytes(StandardCharsets.UTF_8);
            } catch (Throwable e) {
                throw new RuntimeException("An error occurred during JSON serialization of response", e);
            }
        };
    }
}
