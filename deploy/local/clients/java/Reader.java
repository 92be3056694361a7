package lambdadeploy;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Reads JSON as values of Java's types, as the Jackson of Lambda's runtime does. */
final class Reader {
    private Reader() {}

    /** Returns the value of a type that a JSON text means. */
    static Object read(String text, Type type) throws ReflectiveOperationException {
        return convert(new Json(text).parse(), type);
    }

    private static Object convert(Object value, Type type) throws ReflectiveOperationException {
        Class<?> raw = Types.raw(type);
        if (raw == Object.class) {
            return value;
        }
        if (raw == Optional.class) {
            return Optional.ofNullable(convert(value, Types.argument(type, 0)));
        }
        if (isNothing(value, raw)) {
            return raw.isPrimitive() ? Array.get(Array.newInstance(raw, 1), 0) : null;
        }
        boolean takesList = raw.isArray() || Iterable.class.isAssignableFrom(raw);
        if (value instanceof List && ((List<?>) value).size() == 1 && !takesList) {
            return convert(((List<?>) value).get(0), type);
        }
        if (raw.isPrimitive() || Number.class.isAssignableFrom(raw) || raw == Boolean.class || raw == Character.class) {
            return scalar(value, raw);
        }
        if (CharSequence.class.isAssignableFrom(raw)) {
            return text(value, raw);
        }
        if (raw.isEnum()) {
            return constant(value, raw);
        }
        if (raw == byte[].class) {
            return Base64.getDecoder().decode(text(value, raw));
        }
        if (ByteBuffer.class.isAssignableFrom(raw)) {
            return ByteBuffer.wrap(Base64.getDecoder().decode(text(value, raw)));
        }
        if (raw == Date.class) {
            return new Date(((Number) scalar(value, long.class)).longValue());
        }
        if (raw.isArray()) {
            List<?> elements = list(value);
            Object array = Array.newInstance(raw.getComponentType(), elements.size());
            for (int i = 0; i < elements.size(); i++) {
                Array.set(array, i, convert(elements.get(i), Types.element(type)));
            }
            return array;
        }
        if (Iterable.class.isAssignableFrom(raw)) {
            Collection<Object> collection = collection(raw);
            for (Object element : list(value)) {
                collection.add(convert(element, Types.argument(type, 0)));
            }
            return collection;
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(value, raw, type);
        }
        return bean(value, raw);
    }

    /** Returns whether a value is null, or what stands for it with this type. */
    private static boolean isNothing(Object value, Class<?> type) {
        if (value instanceof List) {
            return ((List<?>) value).isEmpty() && !type.isArray() && !Iterable.class.isAssignableFrom(type);
        }
        return value == null || "".equals(value) && !CharSequence.class.isAssignableFrom(type);
    }

    // --- scalars --------------------------------------------------------------------------------

    private static Object scalar(Object value, Class<?> type) {
        if (type == boolean.class || type == Boolean.class) {
            if (value instanceof Boolean) {
                return value;
            }
            if ("true".equals(value) || "false".equals(value)) {
                return Boolean.valueOf((String) value);
            }
            throw mismatch(value, type);
        }
        if (type == char.class || type == Character.class) {
            if (value instanceof String && ((String) value).length() == 1) {
                return ((String) value).charAt(0);
            }
            throw mismatch(value, type);
        }
        if (!(value instanceof Number) && !(value instanceof String)) {
            throw mismatch(value, type);
        }
        BigDecimal number = new BigDecimal(value.toString().trim());
        switch (type.getSimpleName().toLowerCase()) {
            case "int":
            case "integer":
                return number.toBigInteger().intValueExact();
            case "long":
                return number.toBigInteger().longValueExact();
            case "short":
                return number.toBigInteger().shortValueExact();
            case "byte":
                return number.toBigInteger().byteValueExact();
            case "double":
                return number.doubleValue();
            case "float":
                return number.floatValue();
            case "biginteger":
                return number.toBigInteger();
            case "bigdecimal":
                return number;
            case "number":
                return value instanceof Number ? value : number;
            default:
                throw Types.unsupported(type, "can't be read");
        }
    }

    private static String text(Object value, Class<?> type) {
        if (value instanceof Map || value instanceof List) {
            throw mismatch(value, type);
        }
        return value.toString();
    }

    private static Object constant(Object value, Class<?> type) {
        Object[] constants = type.getEnumConstants();
        if (value instanceof Integer) {
            int index = (Integer) value;
            return index < constants.length ? constants[index] : null;
        }
        for (Object constant : constants) {
            if (constant.toString().equals(value) || ((Enum<?>) constant).name().equals(value)) {
                return constant;
            }
        }
        return null;
    }

    private static IllegalArgumentException mismatch(Object value, Class<?> type) {
        String kind = value instanceof Map ? "an object" : value instanceof List ? "an array" : "this value";
        return new IllegalArgumentException("Cannot deserialize a value of type `" + type.getName() + "` from " + kind);
    }

    // --- collections ----------------------------------------------------------------------------

    private static List<?> list(Object value) {
        return value instanceof List ? (List<?>) value : List.of(value);
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> collection(Class<?> type) throws ReflectiveOperationException {
        if (type.isAssignableFrom(ArrayList.class)) {
            return new ArrayList<>();
        }
        if (type == Set.class) {
            return new HashSet<>();
        }
        if (SortedSet.class.isAssignableFrom(type) && type.isAssignableFrom(TreeSet.class)) {
            return new TreeSet<>();
        }
        if (Queue.class.isAssignableFrom(type) && type.isAssignableFrom(ArrayDeque.class)) {
            return new ArrayDeque<>();
        }
        return (Collection<Object>) instance(type);
    }

    @SuppressWarnings("unchecked")
    private static Object map(Object value, Class<?> raw, Type type) throws ReflectiveOperationException {
        if (!(value instanceof Map)) {
            throw mismatch(value, raw);
        }
        Map<Object, Object> map;
        if (raw.isAssignableFrom(LinkedHashMap.class)) {
            map = new LinkedHashMap<>();
        } else if (SortedMap.class.isAssignableFrom(raw) && raw.isAssignableFrom(TreeMap.class)) {
            map = new TreeMap<>();
        } else {
            map = (Map<Object, Object>) instance(raw);
        }
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            map.put(
                    convert(entry.getKey(), Types.argument(type, 0)),
                    convert(entry.getValue(), Types.argument(type, 1)));
        }
        return map;
    }

    // --- beans ----------------------------------------------------------------------------------

    private static Object bean(Object value, Class<?> type) throws ReflectiveOperationException {
        if (!(value instanceof Map)) {
            throw mismatch(value, type);
        }
        Object bean = instance(type);
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            set(bean, (String) entry.getKey(), entry.getValue());
        }
        return bean;
    }

    private static Object instance(Class<?> type) throws ReflectiveOperationException {
        Constructor<?> constructor;
        try {
            if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
                throw new NoSuchMethodException();
            }
            constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
        } catch (NoSuchMethodException | RuntimeException e) {
            throw Types.unsupported(type, "has no constructor without parameters");
        }
        return constructor.newInstance();
    }

    private static void set(Object bean, String name, Object value) throws ReflectiveOperationException {
        Class<?> type = bean.getClass();
        for (Method method : type.getMethods()) {
            boolean isSetter = method.getName().matches("set.+") && method.getParameterCount() == 1;
            if (isSetter && !method.isBridge() && means(Types.property(method.getName(), 3), name, type)) {
                method.setAccessible(true);
                try {
                    method.invoke(bean, convert(value, method.getGenericParameterTypes()[0]));
                } catch (InvocationTargetException e) {
                    throw new IllegalArgumentException(String.valueOf(e.getCause().getMessage()), e.getCause());
                }
                return;
            }
        }
        for (Field field : type.getFields()) {
            int modifiers = field.getModifiers();
            if (!Modifier.isStatic(modifiers) && !Modifier.isFinal(modifiers) && field.getName().equals(name)) {
                field.setAccessible(true);
                field.set(bean, convert(value, field.getGenericType()));
            }
        }
    }

    private static boolean means(String property, String name, Class<?> type) {
        return Types.isEvent(type) ? property.equalsIgnoreCase(name) : property.equals(name);
    }
}
