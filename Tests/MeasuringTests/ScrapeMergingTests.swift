import Measuring
import Testing

struct ScrapeMergingTests {
    @Test func `the samples of a family stand together, each with the label of the text that it came from`() {
        var merging = ScrapeMerging()
        merging.add(Array("# HELP own O.\n# TYPE own gauge\nown 1\n".utf8))
        let text = """
            # HELP n_total N.
            # TYPE n_total counter
            n_total{a="x"} 1
            n_total{a="y,{z}"} 2
            # HELP open O.
            # TYPE open gauge
            open 3
            open{} 4

            """
        merging.add(Array(text.utf8), label: ("proxy", "proxy-1"))
        merging.add(Array(text.utf8), label: ("proxy", "proxy-2"))
        #expect(
            String(decoding: merging.bytes, as: UTF8.self) == """
                # HELP own O.
                # TYPE own gauge
                own 1
                # HELP n_total N.
                # TYPE n_total counter
                n_total{proxy="proxy-1",a="x"} 1
                n_total{proxy="proxy-1",a="y,{z}"} 2
                n_total{proxy="proxy-2",a="x"} 1
                n_total{proxy="proxy-2",a="y,{z}"} 2
                # HELP open O.
                # TYPE open gauge
                open{proxy="proxy-1"} 3
                open{proxy="proxy-1"} 4
                open{proxy="proxy-2"} 3
                open{proxy="proxy-2"} 4

                """)
    }

    @Test func `a family that comes again goes on where it was, and what belongs to none is left out`() {
        var merging = ScrapeMerging()
        merging.add(Array("stray 1\n# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\nb 2\n# HELP a A.\na 3\n".utf8))
        #expect(String(decoding: merging.bytes, as: UTF8.self) == "# HELP a A.\n# TYPE a gauge\na 1\na 3\n# HELP b B.\nb 2\n")
    }
}
