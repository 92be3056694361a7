package lambdadeploy;

/** What is wrong with a handler before it is called; its cause, if any, is what Lambda names. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    final boolean isFatal;

    Fault(String message) {
        this(message, null, false);
    }

    Fault(String message, Throwable cause, boolean isFatal) {
        super(message, cause);
        this.isFatal = isFatal;
    }
}
