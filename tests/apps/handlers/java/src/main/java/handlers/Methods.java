package handlers;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Handlers that are plain methods. */
public class Methods {
    public enum Colour { RED, GREEN }

    public static class Point {
        private int x;
        private Integer y;
        public double z;

        public int getX() { return x; }
        public void setX(int x) { this.x = x; }
        public Integer getY() { return y; }
        public void setY(Integer y) { this.y = y; }
        public boolean isOrigin() { return x == 0; }
    }

    public static class Order {
        private String name;
        private List<Point> points;
        private Map<String, Point> byName;
        private Colour colour;
        private boolean urgent;
        private byte[] data;
        private String URLPath;
        private Set<Long> ids;

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public List<Point> getPoints() { return points; }
        public void setPoints(List<Point> points) { this.points = points; }
        public Map<String, Point> getByName() { return byName; }
        public void setByName(Map<String, Point> byName) { this.byName = byName; }
        public Colour getColour() { return colour; }
        public void setColour(Colour colour) { this.colour = colour; }
        public boolean isUrgent() { return urgent; }
        public void setUrgent(boolean urgent) { this.urgent = urgent; }
        public byte[] getData() { return data; }
        public void setData(byte[] data) { this.data = data; }
        public String getURLPath() { return URLPath; }
        public void setURLPath(String path) { this.URLPath = path; }
        public Set<Long> getIds() { return ids; }
        public void setIds(Set<Long> ids) { this.ids = ids; }
    }

    public static class Big extends Point {
        public String getMore() { return "more"; }
    }

    public Object any(Object input) { return input; }
    public String text(String input) { return input; }
    public int whole(int input) { return input + 1; }
    public Integer boxed(Integer input) { return input; }
    public double fraction(double input) { return input / 3; }
    public boolean flag(boolean input) { return !input; }
    public String map(Map<String, Integer> input, Context context) { return input + " " + context.getFunctionName(); }
    public List<String> list(List<Integer> input) { return List.of(input.get(0).getClass().getName(), input.toString()); }
    public int[] array(int[] input) { input[0]++; return input; }
    public Point point(Point input) { return input; }
    public Order order(Order input) { return input; }
    public Object dynamic(Point input) { return new Big(); }
    public Point declared(Point input) { return new Big(); }
    public List<Point> points(List<Point> input) { input.add(new Big()); return input; }
    public Order orderOfMore(Order input) { input.getPoints().add(new Big()); return input; }
    public Map<String, Point> mapOfMore(Map<String, Point> input) { input.put("more", new Big()); return input; }
    public Point[] arrayOfMore(Point[] input) { return new Point[] {input[0], new Big()}; }
    public List<Object> objects(List<Point> input) { return List.of(input.get(0), new Big()); }
    public void nothing(Object input) {}
    public String noInput() { return "no input"; }
    public String contextOnly(Context context) {
        return context.getInvokedFunctionArn() + context.getMemoryLimitInMB() + context.getFunctionVersion()
                + (context.getRemainingTimeInMillis() > 0) + context.getLogGroupName() + context.getIdentity();
    }
    public static String statically(String input) { return "static " + input; }
    public String overloaded(String input) { return "one"; }
    public String overloaded(String input, Context context) { return "two"; }
    public void stream(InputStream input, OutputStream output, Context context) throws IOException {
        output.write('"');
        output.write(input.readAllBytes().length + '0');
        output.write('"');
    }
    public void streamWithoutOutput(InputStream input) {}
    public String nulls(Map<String, Object> input) { return null; }
    public Map<String, Object> special(Object input) {
        Map<String, Object> map = new java.util.LinkedHashMap<>();
        map.put("null", null);
        map.put("nan", Double.NaN);
        map.put("long", Long.MAX_VALUE);
        map.put("text", "\u0001\"\\/ü\n");
        map.put("optional", java.util.Optional.of(1));
        map.put("enum", Colour.GREEN);
        map.put("date", new java.util.Date(5));
        map.put("char", 'c');
        map.put("list", java.util.Arrays.asList(1, null));
        map.put("bytes", new byte[] {1, 2});
        return map;
    }
    public String raises(String input) { throw new IllegalStateException("thrown: " + input); }
    public String raisesWithoutText(String input) { throw new UnsupportedOperationException(); }
    public String raisesWithCause(String input) { throw new RuntimeException(new IOException("cause")); }
    public String exits(String input) { System.exit(4); return ""; }
    public String overflows(String input) { return overflows(input) + 1; }
    public String logs(String input, Context context) {
        System.out.println("printed");
        System.err.println("to stderr");
        context.getLogger().log("by the logger\n");
        return "";
    }
    public String tooMany(String a, String b) { return ""; }
}
