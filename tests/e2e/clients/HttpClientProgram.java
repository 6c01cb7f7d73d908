import java.io.*;
import java.net.*;
import java.net.http.*;

class HttpClientProgram {
    static final HttpClient client = HttpClient.newHttpClient();
    static BufferedReader get(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("API") + path)).build();
        HttpResponse<InputStream> answer = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        check(answer.statusCode() == 200, "status " + answer.statusCode());
        return new BufferedReader(new InputStreamReader(answer.body()));
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
