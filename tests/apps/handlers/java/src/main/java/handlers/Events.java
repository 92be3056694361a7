package handlers;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.APIGatewayProxyRequestEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayProxyResponseEvent;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import java.util.Map;

/** Handlers of AWS's own events. */
public class Events implements RequestHandler<APIGatewayProxyRequestEvent, APIGatewayProxyResponseEvent> {
    @Override
    public APIGatewayProxyResponseEvent handleRequest(APIGatewayProxyRequestEvent event, Context context) {
        return new APIGatewayProxyResponseEvent()
                .withStatusCode(200)
                .withHeaders(Map.of("X-Method", event.getHttpMethod()))
                .withBody(event.getPath() + event.getQueryStringParameters() + event.getIsBase64Encoded());
    }

    public String sqs(SQSEvent event) {
        SQSEvent.SQSMessage message = event.getRecords().get(0);
        return message.getBody() + message.getEventSourceArn() + message.getAwsRegion() + message.getMessageId();
    }
}
