/// Clients that ask for too much, in Python: nothing of the program under test takes part.
enum OverloadScripts {
    /// Opens as many connections to HOST:PORT as its descriptors allow, at most so many, from several source addresses, and asks nothing. Prints
    /// `held N` when each is open or refused, and at SIGTERM how many the other side has closed.
    static let hold = """
        import errno, resource, select, signal, socket, sys, time
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        is_over = []
        signal.signal(signal.SIGTERM, lambda *_: is_over.append(1))
        host, port = sys.argv[1].rsplit(":", 1)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        wanted = min(int(sys.argv[2]), limit - 64)
        poll, held, waiting, counts = select.epoll(), {}, set(), {"open": 0, "refused": 0, "closed": 0}
        def look(timeout):
            for fd, event in poll.poll(timeout, 4096):
                if fd in waiting:
                    waiting.discard(fd)
                    if held[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and not event & select.EPOLLHUP:
                        counts["open"] += 1
                        poll.modify(fd, select.EPOLLIN | select.EPOLLRDHUP)
                        continue
                    counts["refused"] += 1
                else:
                    counts["closed"] += 1
                poll.unregister(fd)
                held.pop(fd).close()
        # Later than anybody waits for it.
        end = time.time() + 600
        for number in range(wanted):
            s = socket.socket()
            s.setblocking(False)
            s.setsockopt(socket.IPPROTO_IP, 24, 1)
            s.bind((f"127.0.{sys.argv[3]}.{2 + number % 8}", 0))
            s.connect_ex((host, int(port)))
            held[s.fileno()] = s
            waiting.add(s.fileno())
            poll.register(s.fileno(), select.EPOLLOUT)
            # No more at once than a backlog holds: what it drops comes again after a second.
            while len(waiting) > 1000 and time.time() < end: look(0.1)
            if number % 100 == 0: look(0)
        while waiting and time.time() < end: look(0.1)
        print("held", counts["open"], flush=True)
        while not is_over and time.time() < end: look(0.1)
        print(f"{wanted} tried, {counts['open']} open, {counts['refused']} refused, {counts['closed']} closed by the other side")
        """

    private static let http = """
        import collections, http.client, json, selectors, socket, sys, threading, time
        host, port = sys.argv[1].rsplit(":", 1)
        maps = "/api/v1/namespaces/default/configmaps"
        def connect():
            return socket.create_connection((host, int(port)), timeout=30)
        def head(method, path, length, kind="application/json"):
            framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
            return f"{method} {path} HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\nContent-Type: {kind}\\r\\n{framing}\\r\\n\\r\\n".encode()
        def config(name, text="x"):
            return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"text": text}}).encode()
        def answer(s):
            r = http.client.HTTPResponse(s)
            r.begin()
            return r.status, r.getheader("Retry-After"), json.loads(r.read())["message" if r.status >= 400 else "kind"]
        def post(body):
            s = connect()
            s.sendall(head("POST", maps, len(body)) + body)
            told = answer(s)
            s.close()
            return told

        """

    /// POSTs 100 MB at once, with a length and in chunks; prints what it is answered.
    static let largeBody =
        http + """
            block = b" " * 1_000_000
            for length in (100_000_000, None):
                s = connect()
                s.sendall(head("POST", maps, length))
                for _ in range(100):
                    s.sendall(block if length else b"F4240\\r\\n" + block + b"\\r\\n")
                print(*answer(s))
            """

    /// Begins bodies that it does not end until one is refused; says what little requests are answered meanwhile, and a longer one when it has
    /// given up.
    static let manyBodies =
        http + """
            size, held = 7_000_000, []
            while len(held) < 40:
                s = connect()
                held.append(s)
                s.sendall(head("POST", maps, size))
                try: s.sendall(b" " * (size - 1))
                except OSError: pass
                s.settimeout(0.05)
                try: s.recv(1, socket.MSG_PEEK)
                except TimeoutError: continue
                s.settimeout(30)
                print("refused:", *answer(s))
                break
            print(len(held) - 1, "bodies under way")
            print("small:", *post(config("small")))
            for s in held: s.close()
            end = time.time() + 60
            while time.time() < end:
                told = post(config("large", "x" * 100_000))
                if told[0] != 429: break
            print("afterwards:", *told)
            """

    /// 200 connections with 50 creations each, sent at once, beside a watch. Prints the statuses, and how many objects of those that were
    /// answered with 201 are missing in the list afterwards and in what the watch was told.
    static let applies =
        http + """
            count, each, limit = 200, 50, 400
            watched, done = set(), threading.Event()
            watcher = http.client.HTTPConnection(host, int(port), timeout=limit)
            watcher.request("GET", maps + "?watch=true")
            stream = watcher.getresponse()
            wanted = None
            def watch():
                for line in stream:
                    event = json.loads(line)
                    if event["type"] == "ADDED": watched.add(event["object"]["metadata"]["name"])
                    if done.is_set() and wanted <= watched: return
            thread = threading.Thread(target=watch, daemon=True)
            thread.start()
            statuses, made, broken = collections.Counter(), set(), 0
            select = selectors.DefaultSelector()
            for i in range(count):
                s = connect()
                s.setblocking(False)
                names = [f"load-{i}-{j}" for j in range(each)]
                out = b"".join(head("POST", maps, len(config(name))) + config(name) for name in names)
                select.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, [names, out, b""])
            began = time.time()
            while select.get_map() and time.time() < began + limit:
                for key, mask in select.select(1):
                    names, out, got = key.data
                    if mask & selectors.EVENT_WRITE and out:
                        key.data[1] = out[key.fileobj.send(out):]
                        if not key.data[1]: select.modify(key.fileobj, selectors.EVENT_READ, key.data)
                    if not mask & selectors.EVENT_READ: continue
                    try: more = key.fileobj.recv(65536)
                    except BlockingIOError: continue
                    except OSError: more = b""
                    got += more
                    while (end := got.find(b"\\r\\n\\r\\n")) >= 0:
                        at = got.lower().index(b"content-length:")
                        length = int(got[at + 15:got.index(b"\\r\\n", at)])
                        if len(got) < end + 4 + length: break
                        status = int(got[9:12])
                        statuses[status] += 1
                        if status == 201: made.add(names[0])
                        del names[0]
                        got = got[end + 4 + length:]
                    key.data[2] = got
                    if not more or not names:
                        broken += len(names)
                        select.unregister(key.fileobj)
                        key.fileobj.close()
            took = time.time() - began
            wanted = made
            done.set()
            print("after:", *post(config("last")))
            thread.join(100)
            listed = http.client.HTTPConnection(host, int(port), timeout=60)
            listed.request("GET", maps)
            kept = {item["metadata"]["name"] for item in json.load(listed.getresponse())["items"]}
            print(dict(statuses), "unanswered", broken, "lost", len(made - kept), "unseen", len(made - watched))
            print(f"in {took:.1f} s")
            """

    /// Runs a command and says how it ended, the most memory that it had, and its last words: `exit N, N KiB: WORDS`.
    static let weigh = """
        import os, sys
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(write, 2)
            os.execv(sys.argv[1], sys.argv[1:])
        os.close(write)
        words = os.fdopen(read).read()
        _, status, usage = os.wait4(pid, 0)
        print(f"exit {os.waitstatus_to_exitcode(status)}, {usage.ru_maxrss} KiB: {words.strip()}")
        """
}
