"""The storm of the soak: rolls, scaling, drains and failing zones at random, while parts of Steady are killed and stopped at random moments."""
import collections, json, os, queue, random, re, signal, statistics, subprocess, threading, time

# The soak itself: how it talks to its instance.
import __main__ as soak

ROLES = ("server", "agent-a1", "agent-b1", "agent-c1", "proxy-1", "up")
# How a request may end that was inside a proxy when it died.
BROKEN = {"reset", "reset-in-answer", "reset-at-send", "closed", "cut-off"}
# Longer than up's patience with a silent role.
LONG_PAUSE = 12.5
BLOCK_LIMIT_MS = 100
# Of the writes that are looked for after each step, the last so many; older ones are deleted, so that the curve of memory shows what is kept without
# need. Beyond these a ConfigMap costs the server and each agent its size.
KEPT_WRITES = 300


def now_ms():
    return int(time.time() * 1000)


class Load:
    """So many requests a second, counted from mark to mark."""

    def __init__(self, method, mode, rate, connections):
        self.name, self.ids, self.lines, self.failures = f"{method}-{mode}", f"{soak.tools}/storm-{method}-{mode}", queue.Queue(), []
        self.process = subprocess.Popen(
            [f"{soak.tools}/load", soak.address, str(soak.port), method, mode, str(connections), "0", self.ids, str(rate)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        threading.Thread(target=self.read, daemon=True).start()
        while self.lines.get(timeout=30) != "started":
            pass

    def read(self):
        for line in self.process.stdout:
            if line.startswith("FAILURE"):
                self.failures.append(line.strip())
            else:
                self.lines.put(line.strip())

    def tally(self):
        words = self.lines.get(timeout=30).replace("mark ", "").split()
        return collections.Counter({key: int(value) for key, value in (word.split("=") for word in words)})

    def mark(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.tally()

    def end(self):
        self.process.stdin.close()
        return self.tally()


def kinds(tally):
    return {k: v for k, v in tally.items() if v and k not in ("requests", "failed", "silence_ms", "max_ms", "waiting", "last_failed_ms")}


class Storm:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.count, self.image, self.writes = options.replicas, "v1", 0
        self.broken, self.steps, self.has_rolled = [], 0, False
        self.total, self.outages, self.longest_block = collections.Counter(), [], 0
        self.curve = []
        self.fault_count = collections.Counter()
        self.work_count = collections.Counter()
        # From when on no part of Steady that reads logs ran, and until when.
        self.dark = []
        # When this process was woken late, in milliseconds: what else wanted to run then was late as well.
        self.starved = collections.deque(maxlen=10000)
        threading.Thread(target=self.watch_the_clock, daemon=True).start()

    def watch_the_clock(self):
        while True:
            began = time.time()
            time.sleep(0.01)
            late = int((time.time() - began) * 1000) - 10
            if late > 10:
                self.starved.append((now_ms(), late))

    # --- What happens

    def choose(self):
        """The next work and what comes into it, from the seed alone."""
        dice = self.random
        works = ["rest", "roll", "roll", "undo", "restart", "scale", "scale", "delete", "drain", "zone"]
        if self.options.replicas > 100:
            works = ["rest", "restart", "scale", "delete", "delete", "zone"]
        if self.options.calm:
            works = ["rest", "roll", "restart", "scale", "undo", "delete"]
        work = dice.choice(works)
        faults = []
        for _ in range(0 if self.options.calm else dice.choice([0, 1, 1, 2, 3])):
            part = dice.choice(ROLES + ("all",))
            kind = "kill" if dice.random() < 0.6 else "stop"
            length = LONG_PAUSE if dice.random() < 0.05 and part not in ("up", "all") else dice.uniform(0.02, 1.5)
            faults.append((dice.choice([0, dice.uniform(0, 0.1), dice.uniform(0, 1)]), kind, part, length))
        return work, sorted(faults), dice.randrange(1 << 30)

    def begin(self, work, number):
        """Returns what has to follow when all has settled."""
        # There has to be something to go back to.
        if work == "undo" and not self.has_rolled:
            work = "roll"
        self.has_rolled |= work in ("roll", "restart")
        if work == "roll":
            self.image = "v2" if self.image == "v1" else "v1"
            self.acknowledged("set", "image", "deployment/soak", f"main=replica:{self.image}")
        elif work == "undo":
            self.acknowledged("rollout", "undo", "deployment/soak")
        elif work == "restart":
            self.acknowledged("rollout", "restart", "deployment/soak")
        elif work == "scale":
            base = self.options.replicas
            self.count = number % (base // 2 + 1) + base // 2 + 1
            self.acknowledged("scale", "deployment/soak", "--replicas", str(self.count))
        elif work == "delete":
            pods = soak.pods()
            self.acknowledged("delete", "pod", "--ignore-not-found", pods[number % len(pods)]["metadata"]["name"])
        elif work == "drain":
            node = ("a1", "b1", "c1")[number % 3]
            self.acknowledged("drain", node, "--timeout", "60s")
            return lambda: self.acknowledged("uncordon", node)
        elif work == "zone":
            zone = "abc"[number % 3]
            self.acknowledged("zone", "fail", zone, "--force")

            def recover():
                soak.until("the pods of the lost zone were replaced", lambda: soak.settled() and not any(
                    p["spec"].get("nodeName") == f"{zone}1" for p in soak.pods()), 120)
                self.acknowledged("zone", "recover", zone)
                soak.until("the node is Ready", lambda: any(
                    c["type"] == "Ready" and c["status"] == "True"
                    for c in soak.api(f"/api/v1/nodes/{zone}1")["status"].get("conditions", [])), 60)
            return recover

    def acknowledged(self, *words):
        """What was not acknowledged, since everything was dead, is asked for again."""
        for _ in range(20):
            try:
                return soak.steady(*words)
            except soak.Broken as error:
                last = error
                time.sleep(0.2)
        raise last

    def strike(self, kind, part, length, hits_agent):
        """Returns the moment from when on this fault breaks nothing more."""
        self.fault_count[f"{kind} {part}"] += 1
        parts = ROLES if part == "all" else (part,)
        pids = [pid for pid in map(soak.role_pid, parts) if pid]
        if kind == "stop":
            began = now_ms()
            for pid in pids:
                self.signal(pid, signal.SIGSTOP)
            time.sleep(length)
            for pid in pids:
                self.signal(pid, signal.SIGCONT)
            # Nobody reads for an agent while up is stopped.
            if part == "all" or part == "up" and hits_agent:
                self.dark.append((began, now_ms()))
            return now_ms()
        if part == "all":
            began = now_ms()
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in pids:
                    self.signal(pid, number)
            soak.until("all are dead", lambda: not any(map(soak.alive, pids)), 20)
            self.start()
            soak.until("requests are answered", soak.answers, 30)
            self.dark.append((began, now_ms()))
            self.outages.append(now_ms() - began)
            return now_ms()
        for pid in pids:
            self.signal(pid, signal.SIGKILL)
        soak.until(f"{part} is dead", lambda: not any(map(soak.alive, pids)), 20)
        return now_ms()

    def start(self):
        try:
            soak.start_up()
        except soak.Broken:
            # A role that had just been started lives on, and has brought `up` back already.
            if not soak.role_pid("up"):
                raise

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    # --- One step

    def step(self):
        work, faults, number = self.choose()
        self.steps += 1
        self.work_count[work] += 1
        began, problems = time.time(), []
        before = self.running()
        soak.apply(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: written-{self.writes}}}, data: {{step: \"{self.steps}\"}}}}")
        self.writes += 1
        if self.writes > KEPT_WRITES:
            self.acknowledged("delete", "configmap", f"written-{self.writes - KEPT_WRITES - 1}", "--ignore-not-found")
        whole = [0]
        hurt = threading.Event()

        hits_agent = any(part.startswith("agent") or part == "all" for _, _, part, _ in faults)

        def storm():
            start = time.time()
            for delay, kind, part, length in faults:
                if (rest := start + delay - time.time()) > 0:
                    time.sleep(rest)
                try:
                    whole[0] = max(whole[0], self.strike(kind, part, length, hits_agent))
                except (soak.Broken, OSError, subprocess.TimeoutExpired) as error:
                    problems.append(str(error))
            hurt.set()
        thread = threading.Thread(target=storm)
        thread.start()
        try:
            after = self.begin(work, number)
            hurt.wait(120)
            if after:
                after()
            soak.settle(180)
        except (soak.Broken, OSError, subprocess.TimeoutExpired) as error:
            problems.append(str(error))
        thread.join()
        problems += self.look(work, faults, whole[0], before)
        words = ", ".join(f"{kind} {part}" + (f" {length:.2f} s" if kind == "stop" else "") + f" at {delay:.2f}"
                          for delay, kind, part, length in faults) or "nothing"
        print(f"{'ok  ' if not problems else 'FAIL'} {self.steps:4} {work:8} {time.time() - began:6.2f} s  {self.told}  {words}", flush=True)
        for problem in problems:
            print("       " + problem, flush=True)
        self.broken += problems
        self.sample()
        return not problems

    def running(self):
        """The process of every pod, by uid."""
        return {p["metadata"]["uid"]: soak.pid_of(p) for p in soak.pods("app") if p["status"].get("containerStatuses")}

    def look(self, work, faults, whole, before):
        problems, tally, posts = [], collections.Counter(), collections.Counter()
        silence = last = 0
        for load in self.loads:
            one = load.mark()
            silence, last = max(silence, one["silence_ms"]), max(last, one["last_failed_ms"])
            tally += one
            if load.name.startswith("post"):
                posts += one
        self.told = f"{tally['requests']:6} requests {tally['failed']:4} failed {silence:6} ms silence"
        self.total["requests"] += tally["requests"]
        self.total["failed"] += tally["failed"]
        found = kinds(tally)
        dead = {part for _, kind, part, length in faults if kind == "kill" or length >= LONG_PAUSE}
        if work == "zone":
            # What was inside the processes of the zone: a GET is repeated, a POST is not.
            for kind, count in kinds(posts).items():
                found[kind] -= count
            found = {k: v for k, v in found.items() if v > 0}
        # Every other part holds the listeners.
        nobody_listened = "all" in dead
        if dead & {"proxy-1", "all"}:
            if last > whole:
                problems.append(f"a request failed that was begun {last - whole} ms after the last part was dead: {dict(tally)}")
            # A client gives up before `up` does with a proxy that hangs: what waits for it then gets no answer.
            hangs = any(kind == "stop" and part == "proxy-1" and length >= LONG_PAUSE for _, kind, part, length in faults)
            found = {k: v for k, v in found.items() if k not in BROKEN and not (k in ("refused", "reset-at-connect") and nobody_listened)
                     and not (k == "no-answer" and hangs)}
        if found:
            problems.append(f"requests failed: {found}: " + "; ".join(f for load in self.loads for f in load.failures[-2:]))
        for load in self.loads:
            load.failures.clear()

        pods = soak.pods("app")
        restarted = {p["metadata"]["name"]: p["status"]["containerStatuses"][0]["restartCount"] for p in pods
                     if p["status"].get("containerStatuses") and p["status"]["containerStatuses"][0]["restartCount"]}
        if restarted:
            ends = {p["metadata"]["name"]: (p["spec"].get("nodeName"), p["status"].get("podIP"), p["status"]["containerStatuses"][0].get("lastState"))
                    for p in pods if p["metadata"]["name"] in restarted}
            problems.append(f"programs were restarted: {restarted}, last: {ends}")
            # Told once.
            for name in restarted:
                soak.steady("delete", "pod", name, check=False)
            soak.settle()
        running = self.running()
        replaced = [uid for uid, pid in running.items() if before.get(uid, pid) != pid]
        if replaced and not restarted:
            problems.append(f"{len(replaced)} programs were replaced")
        wanted = sorted(running.values())
        try:
            soak.until("orphans or doubles are gone", lambda: sorted(soak.processes()) == sorted(self.running().values()), 10)
        except soak.Broken:
            problems.append(f"processes {sorted(soak.processes())} instead of {wanted}")
        # Between its end and its burial every process is one for a moment.
        try:
            soak.until("the dead are buried", lambda: not self.zombies(), 5)
        except soak.Broken:
            problems.append(f"zombies of Steady: {self.zombies()}")
        kept = len(soak.api("/api/v1/namespaces/default/configmaps?labelSelector=")["items"])
        if kept != min(self.writes, KEPT_WRITES):
            problems.append(f"{kept} of the last {min(self.writes, KEPT_WRITES)} acknowledged writes are kept")
        return problems + self.blocks()

    def zombies(self):
        roles = {soak.role_pid(role): role for role in ROLES}
        return [f"{name} ({pid}) of {roles[parent]}" for pid, name, parent in soak.zombies() if parent in roles]

    def blocks(self):
        """Writes of logs that waited too long although a part of Steady lived."""
        problems = []
        try:
            lines = open(f"{soak.tools}/blocks").read().splitlines()
        except OSError:
            return []
        for line in lines[self.total["blocks seen"]:]:
            took, until, pod = line.split()
            took, until = int(took), int(until)
            if any(until - took < end and begin < until for begin, end in self.dark):
                self.total["blocks in the dark"] += 1
                continue
            # Reader and writer each have to get a processor.
            late = sum(late for at, late in list(self.starved) if until - took <= at <= until + late)
            if late > 20:
                self.total["blocks of a starved machine"] += 1
                continue
            self.longest_block = max(self.longest_block, took)
            if took > BLOCK_LIMIT_MS:
                problems.append(f"{pod} waited {took} ms for its log, until {until}")
        self.total["blocks seen"] = len(lines)
        return problems

    # --- Memory, descriptors, threads

    def sample(self):
        row = {}
        for role in ROLES:
            pid = soak.role_pid(role)
            try:
                smaps = open(f"/proc/{pid}/smaps_rollup").read()
                row[role] = (int(re.search(r"^Rss:\s+(\d+)", smaps, re.M).group(1)), int(re.search(r"^Pss:\s+(\d+)", smaps, re.M).group(1)),
                             len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")))
            except (OSError, AttributeError):
                pass
        self.curve.append((time.time() - self.began, row))

    def verdict(self):
        """The curve, what grew in an hour, and whether it levels off."""
        print("\nRSS/PSS in KiB, descriptors, threads of each role:")
        print(f"{'':>8} " + " ".join(f"{role:>22}" for role in ROLES))
        stride = max(1, len(self.curve) // 40)
        for at, row in self.curve[::stride]:
            print(f"{at:6.0f} s " + " ".join(f"{'%d/%d %d %d' % row[role] if role in row else '-':>22}" for role in ROLES))
        flat = True
        hours = self.curve[-1][0] / 3600
        for role in ROLES:
            points = [(at, row[role]) for at, row in self.curve if role in row]
            if len(points) < 8:
                continue
            half, words = points[len(points) // 2:], []
            for index, what, unit in ((0, "RSS", "KiB"), (1, "PSS", "KiB"), (2, "descriptors", ""), (3, "threads", "")):
                xs, ys = [at / 3600 for at, _ in half], [values[index] for _, values in half]
                slope = statistics.linear_regression(xs, ys).slope if len(set(xs)) > 1 else 0
                quarter = len(points) // 4
                third = statistics.median(values[index] for _, values in points[2 * quarter:3 * quarter] or points)
                last = statistics.median(values[index] for _, values in points[3 * quarter:])
                is_flat = last <= third * 1.05 + (1024 if index < 2 else 4)
                flat = flat and is_flat
                words.append(f"{what} {slope:+.0f} {unit}/h".replace(" /h", "/h") + ("" if is_flat else " (grows)"))
            print(f"{role:10} second half: " + ", ".join(words))
        if hours < 0.3:
            print("verdict on growth: the run was too short for one")
        else:
            print("verdict on growth: " + ("it levels off: the last quarter is within 5 % of the third" if flat else "something still grows"))

    # --- All of it

    def prepare(self):
        for name in ("record", "blocks"):
            open(f"{soak.tools}/{name}", "w").close()
            os.chmod(f"{soak.tools}/{name}", 0o666)
        readiness = "periodSeconds: 1" if self.options.replicas <= 100 else "periodSeconds: 10"
        began = time.time()
        soak.apply(soak.images() + "---" + soak.deployment(self.options.replicas, readiness=readiness))
        if self.options.chatty:
            soak.apply(soak.deployment(self.options.chatty, name="chatty", service=False,
                                       env=[("LOG_MB", self.options.log_mb), ("LOG_BLOCKS", f"{soak.tools}/blocks")]))
        soak.settle(300)
        soak.until("the chatty ones are ready", lambda: sum(map(soak.ready, soak.pods("app=chatty"))) == self.options.chatty)
        print(f"{self.options.replicas} replicas Ready after {time.time() - began:.1f} s", flush=True)
        self.loads = [Load(method, mode, self.options.rate, 16) for method in ("get", "post") for mode in ("keep", "close")]

    def run(self):
        self.prepare()
        self.began = time.time()
        self.sample()
        try:
            while time.time() - self.began < self.options.storm * 60:
                self.step()
        finally:
            self.end()
        return len(self.broken)

    def end(self):
        answered = []
        for load in self.loads:
            last = load.end()
            load.process.wait(30)
            self.total["requests"] += last["requests"]
            if load.name.startswith("post"):
                answered += open(load.ids).read().split()
        ran = collections.Counter(line.split()[0] for line in open(f"{soak.tools}/record") if line.strip())
        lost = sum(1 for i in answered if i not in ran)
        twice = sum(1 for count in ran.values() if count > 1)
        if lost or twice:
            self.broken.append(f"{lost} answered POSTs never ran, {twice} ran twice")
        self.verdict()
        print("faults: " + ", ".join(f"{k} {v}" for k, v in sorted(self.fault_count.items())))
        print("works: " + ", ".join(f"{k} {v}" for k, v in sorted(self.work_count.items())))
        if self.outages:
            print(f"all dead {len(self.outages)} times: nobody listened for {min(self.outages)} to {max(self.outages)} ms")
        print(f"logs: longest wait of a write while a part of Steady lived {self.longest_block} ms"
              f" ({self.total['blocks seen']} above 20 ms, {self.total['blocks in the dark']} of them while all were dead or stopped,"
              f" {self.total['blocks of a starved machine']} while the machine starved)")
        print(f"{self.steps} steps, {self.total['requests']} requests, {self.total['failed']} failed where it may be, {len(answered)} POSTs answered, "
              f"{lost} lost, {twice} twice; {self.writes} writes acknowledged and looked for; {len(self.broken)} promises broken")
        print(f"again: Tests/Soak/run --storm {self.options.storm:g} --seed {self.options.seed}"
              + (f" --replicas {self.options.replicas}" if self.options.replicas != 6 else "")
              + (f" --user {self.options.user}" if self.options.user else "") + (" --calm" if self.options.calm else ""))
