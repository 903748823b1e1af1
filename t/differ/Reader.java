// Copyright (C) the nginx-liveupdate authors

// Readers and writers in Java, as Android's plugin has them.  A line of stdin
// makes a line of stdout:
//
//     percent  a text in base64; it is printed percent-encoded by URLEncoder
//     zip      the name of an archive; zip4j unpacks it as the plugin does, and
//              "+name=content,..." is printed in hex, or "-" and why it failed

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

import net.lingala.zip4j.ZipFile;
import net.lingala.zip4j.model.FileHeader;

public class Reader {

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(
            new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder out = new StringBuilder();
        String line;

        while ((line = in.readLine()) != null) {
            out.append(args[0].equals("zip") ? zip(line) : percent(line))
               .append('\n');
        }

        System.out.print(out);
    }

    private static String percent(String base64) {
        String text = new String(Base64.getDecoder().decode(base64),
                                 StandardCharsets.UTF_8);

        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String zip(String name) throws Exception {
        Path folder = Files.createTempDirectory("differ");

        try {
            ZipFile zip = new ZipFile(new File(name));

            for (FileHeader header : zip.getFileHeaders()) {
                header.setExternalFileAttributes(null);
            }

            zip.extractAll(folder.toString());

            return "+" + contents(folder);

        } catch (Exception | StackOverflowError | OutOfMemoryError e) {
            return "-" + String.valueOf(e.getMessage()).replace('\n', ' ');

        } finally {
            try (Stream<Path> paths = Files.walk(folder)) {
                paths.sorted(Comparator.reverseOrder())
                     .forEach(path -> path.toFile().delete());
            }
        }
    }

    private static String contents(Path folder) throws Exception {
        HexFormat hex = HexFormat.of();
        List<String> files = new ArrayList<>();

        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                if (!Files.isRegularFile(path)) {
                    continue;
                }

                String name = folder.relativize(path).toString();
                byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(Files.readAllBytes(path));

                files.add(hex.formatHex(name.getBytes(StandardCharsets.UTF_8))
                          + "=" + hex.formatHex(digest));
            }
        }

        Collections.sort(files);

        return String.join(",", files);
    }
}
