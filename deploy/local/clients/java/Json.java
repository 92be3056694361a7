package lambdadeploy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Parses JSON (RFC 8259) into maps, lists, texts, numbers, booleans and null. */
final class Json {
    private final String text;
    private int position;

    Json(String text) {
        this.text = text;
    }

    /** Returns the value of the whole text. */
    Object parse() {
        Object value = value();
        skipBlanks();
        if (position < text.length()) {
            throw unexpected();
        }
        return value;
    }

    private Object value() {
        skipBlanks();
        switch (peek()) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return literal("true", Boolean.TRUE);
            case 'f':
                return literal("false", Boolean.FALSE);
            case 'n':
                return literal("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> members = new LinkedHashMap<>();
        position++;
        if (accept('}')) {
            return members;
        }
        do {
            skipBlanks();
            String name = string();
            expect(':');
            members.put(name, value());
        } while (accept(','));
        expect('}');
        return members;
    }

    private List<Object> array() {
        List<Object> elements = new ArrayList<>();
        position++;
        if (accept(']')) {
            return elements;
        }
        do {
            elements.add(value());
        } while (accept(','));
        expect(']');
        return elements;
    }

    private String string() {
        expect('"');
        StringBuilder content = new StringBuilder();
        while (peek() != '"') {
            char character = next();
            content.append(character == '\\' ? escaped() : character);
        }
        position++;
        return content.toString();
    }

    private char escaped() {
        char character = next();
        switch (character) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                if (position + 4 > text.length()) {
                    throw unexpected();
                }
                position += 4;
                return (char) Integer.parseInt(text.substring(position - 4, position), 16);
            default:
                return character;
        }
    }

    private Object number() {
        int start = position;
        while (position < text.length() && "+-.eE0123456789".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
        String digits = text.substring(start, position);
        if (digits.isEmpty()) {
            throw unexpected();
        }
        if (digits.matches("-?[0-9]+")) {
            BigInteger whole = new BigInteger(digits);
            if (whole.bitLength() < Integer.SIZE) {
                return whole.intValue();
            }
            return whole.bitLength() < Long.SIZE ? (Object) whole.longValue() : whole;
        }
        return Double.valueOf(digits);
    }

    private Object literal(String name, Object value) {
        if (!text.startsWith(name, position)) {
            throw unexpected();
        }
        position += name.length();
        return value;
    }

    private void skipBlanks() {
        while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
    }

    private boolean accept(char character) {
        skipBlanks();
        boolean isThere = position < text.length() && text.charAt(position) == character;
        position += isThere ? 1 : 0;
        return isThere;
    }

    private void expect(char character) {
        if (!accept(character)) {
            throw unexpected();
        }
    }

    private char peek() {
        if (position >= text.length()) {
            throw unexpected();
        }
        return text.charAt(position);
    }

    private char next() {
        char character = peek();
        position++;
        return character;
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("The JSON is not valid at character " + position);
    }
}
