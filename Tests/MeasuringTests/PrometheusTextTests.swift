import Measuring
import Testing

struct PrometheusTextTests {
    @Test func `A counter prints its series sorted by label values`() {
        var family = CounterFamily("requests_total", "Requests.")
        family.add(2, ["verb": "list", "code": "200"])
        family.add(1, ["verb": "get", "code": "404"])
        family.add(1, ["verb": "list", "code": "200"])
        var text = PrometheusText()
        text.append(family)
        #expect(
            text.text == """
                # HELP requests_total Requests.
                # TYPE requests_total counter
                requests_total{verb="get",code="404"} 1
                requests_total{verb="list",code="200"} 3

                """)
    }

    @Test func `Label values are escaped`() {
        var family = GaugeFamily("g", "G.")
        family[["path": "a\"b\\c\nd"]] = 1.5
        var text = PrometheusText()
        text.append(family)
        #expect(text.text.hasSuffix("g{path=\"a\\\"b\\\\c\\nd\"} 1.5\n"))
    }

    @Test func `A histogram's buckets are cumulative and end with +Inf`() {
        var family = HistogramFamily("t_seconds", "T.", bounds: [0.001, 0.1, 1])
        for seconds in [0.001, 0.0005, 0.5, 30] { family.record(seconds: seconds) }
        var text = PrometheusText()
        text.append(family)
        #expect(
            text.text == """
                # HELP t_seconds T.
                # TYPE t_seconds histogram
                t_seconds_bucket{le="0.001"} 2
                t_seconds_bucket{le="0.1"} 2
                t_seconds_bucket{le="1"} 3
                t_seconds_bucket{le="+Inf"} 4
                t_seconds_sum 30.5015
                t_seconds_count 4

                """)
    }

    @Test func `Quantiles answer with the bound of their bucket`() {
        var histogram = Histogram(bounds: [1, 2, 4])
        #expect(histogram.quantile(0.5) == nil)
        for seconds in [0.5, 1.5, 1.6, 3, 9] { histogram.record(seconds: seconds) }
        #expect(histogram.quantile(0.5) == 2)
        #expect(histogram.quantile(0.8) == 4)
        #expect(histogram.quantile(1) == .infinity)
    }

    @Test func `Where services answer a bound is at most seven tenths above the one before, and each usual bound is there`() {
        let bounds = Histogram.trafficBounds
        let fine = bounds.filter { $0 >= 0.001 && $0 <= 0.25 }
        for (bound, next) in zip(fine, fine.dropFirst()) { #expect(next / bound < 1.7, "\(bound) to \(next)") }
        #expect(bounds == bounds.sorted() && Set(bounds).isSuperset(of: Histogram.requestBounds))
    }

    @Test func `A family that is full adds further series up under other`() {
        var family = CounterFamily("n_total", "N.")
        for index in 0..<(CounterFamily.seriesLimit + 7) { family.add(1, ["path": "/\(index)"]) }
        #expect(family[["path": "other"]] == 7)
        #expect(family[["path": "/0"]] == 1)
    }
}
