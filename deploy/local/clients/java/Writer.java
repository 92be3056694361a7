package lambdadeploy;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Writes values as JSON, as the Jackson of Lambda's runtime does: what is null is left out of objects. */
final class Writer {
    private static final int DEEPEST = 500;

    private final StringBuilder json = new StringBuilder();
    private int depth;

    private Writer() {}

    /** Returns the JSON of a value; of a bean, also in a collection, the properties of its declared type. */
    static String write(Object value, Type declared) throws ReflectiveOperationException {
        Writer writer = new Writer();
        writer.writeValue(value, declared);
        return writer.json.toString();
    }

    private void writeValue(Object value, Type declared) throws ReflectiveOperationException {
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("The answer is nested too deeply, or holds itself");
        }
        if (value instanceof Optional) {
            writeValue(((Optional<?>) value).orElse(null), Types.argument(declared, 0));
        } else if (value instanceof Double && !Double.isFinite((Double) value)
                || value instanceof Float && !Float.isFinite((Float) value)) {
            quote(value.toString());
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            json.append(value);
        } else if (value instanceof CharSequence || value instanceof Character) {
            quote(value.toString());
        } else if (value instanceof Enum) {
            quote(((Enum<?>) value).name());
        } else if (value instanceof Date) {
            json.append(((Date) value).getTime());
        } else if (value instanceof byte[]) {
            quote(Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof char[]) {
            quote(new String((char[]) value));
        } else if (value instanceof ByteBuffer) {
            byte[] content = new byte[((ByteBuffer) value).remaining()];
            ((ByteBuffer) value).duplicate().get(content);
            quote(Base64.getEncoder().encodeToString(content));
        } else if (value instanceof Map) {
            object((Map<?, ?>) value, Types.argument(declared, 1));
        } else if (value instanceof Iterable) {
            String separator = "[";
            for (Object element : (Iterable<?>) value) {
                json.append(separator);
                writeValue(element, Types.argument(declared, 0));
                separator = ",";
            }
            json.append("[".equals(separator) ? "[]" : "]");
        } else if (value.getClass().isArray()) {
            json.append('[');
            for (int i = 0; i < Array.getLength(value); i++) {
                json.append(i == 0 ? "" : ",");
                writeValue(Array.get(value, i), Types.raw(declared).isArray() ? Types.element(declared) : Object.class);
            }
            json.append(']');
        } else {
            Class<?> type = Types.raw(declared);
            object(properties(value, type == Object.class ? value.getClass() : type), Object.class);
        }
        depth--;
    }

    private void object(Map<?, ?> members, Type declared) throws ReflectiveOperationException {
        String separator = "{";
        for (Map.Entry<?, ?> member : members.entrySet()) {
            if (member.getValue() != null) {
                json.append(separator);
                Object key = member.getKey();
                quote(key instanceof Enum ? ((Enum<?>) key).name() : String.valueOf(key));
                json.append(':');
                writeValue(member.getValue(), declared);
                separator = ",";
            }
        }
        json.append("{".equals(separator) ? "{}" : "}");
    }

    private static Map<String, Object> properties(Object bean, Class<?> type) throws ReflectiveOperationException {
        if (type.getName().startsWith("java.")) {
            throw Types.unsupported(type, "can't be written");
        }
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Field field : type.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                properties.put(field.getName(), field.get(bean));
            }
        }
        for (Method method : type.getMethods()) {
            int prefix = prefix(method);
            if (prefix > 0) {
                method.setAccessible(true);
                try {
                    properties.put(Types.property(method.getName(), prefix), method.invoke(bean));
                } catch (InvocationTargetException e) {
                    throw new IllegalArgumentException(String.valueOf(e.getCause().getMessage()), e.getCause());
                }
            }
        }
        return properties;
    }

    /** Returns the length of what a getter's name begins with; 0 for any other method. */
    private static int prefix(Method method) {
        String name = method.getName();
        Class<?> type = method.getReturnType();
        boolean isCandidate = method.getParameterCount() == 0
                && !Modifier.isStatic(method.getModifiers())
                && !method.isBridge()
                && method.getDeclaringClass() != Object.class
                && type != void.class;
        if (isCandidate && name.startsWith("get") && name.length() > 3) {
            return 3;
        }
        boolean isBoolean = type == boolean.class || type == Boolean.class;
        return isCandidate && isBoolean && name.startsWith("is") && name.length() > 2 ? 2 : 0;
    }

    private void quote(String text) {
        json.append('"');
        for (char character : text.toCharArray()) {
            if (character == '"' || character == '\\') {
                json.append('\\').append(character);
            } else if (character < ' ') {
                json.append(String.format("\\u%04x", (int) character));
            } else {
                json.append(character);
            }
        }
        json.append('"');
    }
}
