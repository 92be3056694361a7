"""The base of a Java app: the JAR or ZIP that its build left."""
