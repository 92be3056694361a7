/** Prints the environment as System.getenv() gives it, as one line of JSON. */
public final class PrintEnvironment {
    public static void main(String[] arguments) {
        Json.print(System.getenv());
    }
}
