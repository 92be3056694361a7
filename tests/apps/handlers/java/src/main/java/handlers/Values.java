package handlers;

import com.amazonaws.services.lambda.runtime.Context;
import java.util.Map;

/** A RequestHandler whose types come from a parent. */
public class Values extends Parent<Map<String, Integer>> {
    @Override
    public String handleRequest(Map<String, Integer> event, Context context) {
        if (event.containsKey("fail")) {
            throw new IllegalArgumentException("failed");
        }
        int sum = 0;
        for (int value : event.values()) {
            sum += value;
        }
        return "sum " + sum + " " + context.getAwsRequestId().length();
    }
}
