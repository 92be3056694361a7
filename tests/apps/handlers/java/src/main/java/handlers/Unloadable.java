package handlers;

/** Can't be loaded. */
public class Unloadable {
    static final int ONE = Integer.parseInt("one");

    public String handle(String input) {
        return input;
    }
}
