package handlers;

/** Can't be made. */
public class Failing {
    public Failing() {
        throw new IllegalStateException("no instance");
    }

    public String handle(String input) {
        return input;
    }
}
