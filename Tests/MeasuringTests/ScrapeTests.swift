import Measuring
import Testing

struct ScrapeTests {
    @Test func `what was written is read back`() {
        var family = CounterFamily("n_total", "N.")
        family.add(3, ["path": "a\"b\\c\nd, {e}", "code": "200"])
        var histogram = HistogramFamily("t_seconds", "T.", bounds: [0.5])
        histogram.record(seconds: 0.25)
        var text = PrometheusText()
        text.append(family)
        text.append(histogram)
        #expect(
            Scrape(text.bytes).samples == [
                .init("n_total", ["path": "a\"b\\c\nd, {e}", "code": "200"], 3), .init("t_seconds_bucket", ["le": "0.5"], 1),
                .init("t_seconds_bucket", ["le": "+Inf"], 1), .init("t_seconds_sum", [:], 0.25), .init("t_seconds_count", [:], 1),
            ])
    }

    @Test(arguments: ["a{", "a{b", "a{b=", "a{b=\"c", "a{b=\"c\"", "a{b=\"c\\", "a", "a x", "{} 1", "a{b=\"c\"}"])
    func `a line that cannot be read is passed over`(line: String) {
        #expect(Scrape(Array("\(line)\nfine 1\n".utf8)).samples == [.init("fine", [:], 1)])
    }

    @Test func `only names that are wanted are read`() {
        #expect(Scrape(Array("a 1\nb 2\n".utf8)) { $0 == "b" }.samples == [.init("b", [:], 2)])
    }
}
