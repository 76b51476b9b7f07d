// A small web server to try Steady with. It knows nothing of Steady: it binds 0.0.0.0:8080, answers, and ends when it is told to.
//
//   HOST, PORT      where to listen; default 0.0.0.0:8080
//   VERSION         what `/` says; default v1
//   ECHO_ID_FILE    a file to which POST /echo-id appends each body as a line
//   ANSWER          a status such as "503 Service Unavailable": the answer to everything but probes, as of a program that is ill
//   DELAY_MS        how long `/` takes
//   START=fail      exit at once with an error, as a broken release does
import Glibc

/// An environment variable; nil when it is not set or empty.
func environment(_ name: String) -> String? {
    guard let text = getenv(name) else { return nil }
    let value = String(cString: text)
    return value.isEmpty ? nil : value
}

/// Writes a line: to descriptor 1, or to 2 for what went wrong.
func say(_ line: String, to descriptor: Int32 = 1) {
    let bytes = Array("web \(line)\n".utf8)
    _ = write(descriptor, bytes, bytes.count)
}

/// Says why on stderr and ends.
func fail(_ message: String) -> Never {
    say(message, to: 2)
    exit(1)
}

let version = environment("VERSION") ?? "v1"
if environment("START") == "fail" { fail("\(version) is broken: it cannot start") }

let host = environment("HOST") ?? "0.0.0.0"
guard let port = UInt16(environment("PORT") ?? "8080") else { fail("PORT is not a number from 1 to 65535") }

let pages = Pages(
    version: version, pod: environment("POD_NAME") ?? "-", zone: environment("ZONE") ?? "-", echoFile: environment("ECHO_ID_FILE"),
    illness: environment("ANSWER"), delayInMilliseconds: environment("DELAY_MS").flatMap { Int($0) } ?? 0)
let server = Server(pages: pages)
server.listen(host: host, port: port)
say("\(version) listens on \(host):\(port)")
server.run()
say("\(version) ends")
