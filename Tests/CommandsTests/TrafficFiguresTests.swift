import Formats
import Linux
import Measuring
import Testing

@testable import Commands

struct TrafficFiguresTests {
    private static func labels(_ endpoint: String, _ zone: String, proxy: String = "proxy-1") -> String {
        #"proxy="\#(proxy)",namespace="default",service="web",port="80",endpoint="\#(endpoint)",zone="\#(zone)""#
    }

    private static func scrape(_ lines: [String]) -> Scrape {
        Scrape(Array((lines.joined(separator: "\n") + "\n").utf8), isWanted: TrafficFigures.isWanted)
    }

    @Test func `rates, errors and quantiles are those of the interval, by endpoint and in all`() throws {
        func at(_ ok: Int, _ failed: Int, _ local: Int, _ quick: Int, _ slow: Int) -> Scrape {
            Self.scrape([
                "http_requests_total{\(Self.labels("web-1", "a")),code=\"200\"} \(ok)",
                "http_requests_total{\(Self.labels("web-2", "b")),code=\"500\"} \(failed)",
                "http_requests_total{\(Self.labels("", "")),code=\"503\"} \(local)",
                "http_request_duration_seconds_bucket{\(Self.labels("web-1", "a")),le=\"0.1\"} \(quick)",
                "http_request_duration_seconds_bucket{\(Self.labels("web-1", "a")),le=\"0.2\"} \(quick + slow)",
                "http_request_duration_seconds_bucket{\(Self.labels("web-1", "a")),le=\"+Inf\"} \(quick + slow)",
                "retries_total{\(Self.labels("web-2", "b"))} \(failed * 2)", "ejections_total{\(Self.labels("web-2", "b"))} 3",
                "ejected_endpoints{\(Self.labels("", ""))} 1", "circuit_breaker_state{\(Self.labels("web-2", "b"))} 2",
                "http_requests_in_flight{\(Self.labels("web-1", "a"))} 4", "panic_mode{\(Self.labels("", ""))} 1",
                "up{\(Self.labels("web-1", "a"))} 1", "up{\(Self.labels("web-2", "b"))} 0",
            ])
        }
        let figures = TrafficFigures(at(100, 10, 0, 50, 50), at(160, 20, 10, 80, 80), seconds: 2)
        let web = try #require(figures.services.first)
        #expect(figures.services.count == 1)
        #expect(web.row.rate == 40)
        #expect(web.row.errorShare == 0.25)
        #expect(web.row.retryRate == 10)
        #expect(web.row.openCount == 4)
        #expect(web.row.breaker == 0 && web.endpoints.map(\.row.breaker) == [0, 2])
        #expect(web.row.ejections == 3)
        #expect(web.ejectedCount == 1)
        #expect(web.isPanicking)
        #expect(web.endpoints.map(\.name) == ["web-1", "web-2"])
        #expect(web.endpoints.map(\.isUp) == [true, false])
        #expect(web.endpoints.map(\.row.errorShare) == [0, 1])
        // Half of them took up to 0.1 s, the others up to 0.2 s.
        #expect(web.endpoints[0].row.p50 == 0.1)
        #expect(abs((web.endpoints[0].row.p99 ?? 0) - 0.198) < 1e-9)
        #expect(web.endpoints[1].row.p50 == nil)
    }

    @Test func `a proxy that began anew counts from nothing, and several proxies are added up`() throws {
        func at(_ first: Int, _ second: Int) -> Scrape {
            Self.scrape([
                "http_requests_total{\(Self.labels("web-1", "a")),code=\"200\"} \(first)",
                "http_requests_total{\(Self.labels("web-1", "a", proxy: "proxy-2")),code=\"200\"} \(second)",
                "up{\(Self.labels("web-1", "a"))} 1", "up{\(Self.labels("web-1", "a", proxy: "proxy-2"))} 1",
            ])
        }
        let figures = TrafficFigures(at(1000, 5), at(7, 8), seconds: 1)
        #expect(figures.services.first?.row.rate == 10)
        #expect(figures.services.first?.endpoints.count == 1)
    }

    @Test func `an endpoint that left is counted for its Service and not shown`() {
        let figures = TrafficFigures(
            Self.scrape([]),
            Self.scrape(["http_requests_total{\(Self.labels("web-1", "a")),code=\"200\"} 5", "up{\(Self.labels("web-2", "a"))} 1"]),
            seconds: 1)
        #expect(figures.services.first?.row.rate == 5)
        #expect(figures.services.first?.endpoints.map(\.name) == ["web-2"])
    }

    @Test(arguments: [(0.000_085, "85µs"), (0.0012, "1.2ms"), (0.34, "340ms"), (2.46, "2.5s")])
    func `a duration has two digits or three`(seconds: Double, text: String) { #expect(TopTable.duration(seconds) == text) }

    @Test(arguments: [(0.0, "0%"), (0.0003, "<0.1%"), (0.003, "0.3%"), (0.123, "12%"), (1, "100%")])
    func `a share is a percentage`(share: Double, text: String) { #expect(TopTable.percent(share) == text) }

    @Test func `the table has a line for each Service and each endpoint, in columns`() {
        let figures = TrafficFigures(
            Self.scrape([]),
            Self.scrape([
                "http_requests_total{\(Self.labels("web-1", "a")),code=\"200\"} 5", "up{\(Self.labels("web-1", "a"))} 1",
                "up{\(Self.labels("web-2", "b"))} 0",
            ]), seconds: 10)
        #expect(
            TopTable.text(figures.services, showsNamespaces: true, Terminal(output: -1, error: -1)) == """
                NAME             ZONE   UP    RATE    ERRORS   P50   P99   OPEN   BREAKER   EJECTIONS   RETRIES
                default/web:80          1/2   0.5/s   0%       -     -     0      closed    0           0/s
                  web-1          a      yes   0.5/s   0%       -     -     0      closed    0           0/s
                  web-2          b      no    0/s     -        -     -     0      closed    0           0/s

                """)
    }
}
