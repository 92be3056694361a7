package example;

/** Tells where it was loaded from. */
public final class Version {
    public static String name() {
        return "version 11";
    }
}
