package lambdadeploy;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;

/** What classes and type parameters there are behind Java's types, and properties behind methods. */
final class Types {
    private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";

    private Types() {}

    /** Returns the class of a type. */
    static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return raw(((ParameterizedType) type).getRawType());
        }
        if (type instanceof GenericArrayType) {
            return Array.newInstance(raw(((GenericArrayType) type).getGenericComponentType()), 0).getClass();
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0]);
        }
        return raw(((TypeVariable<?>) type).getBounds()[0]);
    }

    /** Returns a type parameter, such as that of a list's elements; Object if none is given. */
    static Type argument(Type type, int index) {
        Type[] given = type instanceof ParameterizedType
                ? ((ParameterizedType) type).getActualTypeArguments()
                : new Type[0];
        return index < given.length ? given[index] : Object.class;
    }

    /** Returns the type of an array's elements. */
    static Type element(Type type) {
        return type instanceof GenericArrayType
                ? ((GenericArrayType) type).getGenericComponentType()
                : raw(type).getComponentType();
    }

    /** Returns whether a type is a type parameter that may stand for anything. */
    static boolean isUnbounded(Type type) {
        return type instanceof TypeVariable && raw(type) == Object.class;
    }

    /** Returns the property that a method reads or writes, by the length of its prefix: path of getPath, URL of getURL. */
    static String property(String method, int prefix) {
        String name = method.substring(prefix);
        if (name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1))) {
            return name;
        }
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    /** Returns whether a class is one of AWS's events, whose JSON does not always spell properties alike. */
    static boolean isEvent(Class<?> type) {
        return type.getName().startsWith(EVENTS);
    }

    /** Returns the exception for a type that Lambda maps by Jackson, and this program does not. */
    static IllegalArgumentException unsupported(Class<?> type, String why) {
        return new IllegalArgumentException(type.getName() + " " + why
                + ". This machine maps JSON to simple types, collections and beans with getters and setters; AWS Lambda"
                + " maps more. A RequestStreamHandler works with any.");
    }
}
