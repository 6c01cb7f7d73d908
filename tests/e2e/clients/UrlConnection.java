import java.io.*;
import java.net.*;

class UrlConnection {
    static BufferedReader get(String path) throws IOException {
        return new BufferedReader(new InputStreamReader(new URL(System.getenv("API") + path).openConnection().getInputStream()));
    }
    static void check(boolean holds, String what) { if (!holds) throw new IllegalStateException(what); }
    public static void main(String[] arguments) throws Exception {
        String id = System.getenv("ID");
        String who = get("/whoami").readLine();
        check(who.contains("key-holder"), who);
        BufferedReader events = get("/held?id=" + id);
        check(events.readLine().equals("data: first"), "no first event");
        get("/release?id=" + id).readLine();
        StringBuilder rest = new StringBuilder();
        for (String line = events.readLine(); line != null; line = events.readLine()) rest.append(line);
        check(rest.indexOf("data: last") >= 0, rest.toString());
        System.exit(7);
    }
}
