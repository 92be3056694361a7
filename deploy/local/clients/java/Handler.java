package lambdadeploy;

/** What is called with each event. */
interface Handler {
    byte[] handle(byte[] event, Object context) throws Throwable;
}
