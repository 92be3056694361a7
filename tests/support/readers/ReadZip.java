import java.io.InputStream;
import java.nio.file.Path;
import java.util.Collections;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Reads every entry of a ZIP file and prints its size and name; stops at the first that is broken. */
public final class ReadZip {
    public static void main(String[] arguments) throws Exception {
        try (ZipFile zip = new ZipFile(Path.of(arguments[0]).toFile())) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                try (InputStream content = zip.getInputStream(entry)) {
                    byte[] bytes = content.readAllBytes();
                    CRC32 crc = new CRC32();
                    crc.update(bytes);
                    if (crc.getValue() != entry.getCrc() || bytes.length != entry.getSize()) {
                        throw new IllegalStateException("broken entry: " + entry.getName());
                    }
                    System.out.println(bytes.length + " " + entry.getName());
                }
            }
        }
    }
}
