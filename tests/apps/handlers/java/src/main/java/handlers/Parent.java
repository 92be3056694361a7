package handlers;

import com.amazonaws.services.lambda.runtime.RequestHandler;

/** Leaves one type to its children. */
public abstract class Parent<T> implements RequestHandler<T, String> {}
