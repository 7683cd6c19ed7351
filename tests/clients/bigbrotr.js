// The built program, started in a folder of its own on an address of its own, and ended by its process id.

import { execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** How long the program may take for anything that a test waits for, milliseconds. */
export const PATIENCE = 30_000;

/** A clock that is used up fails a test that waits for what never comes. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no sign of ${what}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A folder with the configuration of one `bigbrotr` that keeps to this machine. */
export class Folder {
  static async make(files = {}) {
    const folder = new Folder();
    folder.path = await mkdtemp(join(tmpdir(), "bigbrotr-clients-"));
    await folder.write("config/brotr.yaml", BROTR);
    await folder.write("config/services/finder.yaml", "api: {enabled: false}\n");
    await folder.write("config/services/seeder.yaml", "seed: {file_path: seeds.txt}\n");
    await folder.write("seeds.txt", "");
    await folder.write("relay-config/relay.yaml", `listen: ${address()}\n`);
    for (const [name, text] of Object.entries(files)) {
      await folder.write(name, text);
    }
    return folder;
  }

  async write(name, text) {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  /** Runs `bigbrotr` to its end. */
  async run(...words) {
    return promisify(execFile)(program(), words, this.surroundings());
  }

  /** Starts the relay; it tells its address when it is ready. */
  async startRelay() {
    const child = spawn(program(), ["relay"], {
      ...this.surroundings(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    const url = await within(addressOf(child), "the address of the relay");
    return new Relay(child, url);
  }

  async remove() {
    await rm(this.path, { recursive: true });
  }

  surroundings() {
    return { cwd: this.path, env: {} };
  }
}

const BROTR = `
networks:
  clearnet: {enabled: false}
  local: {enabled: true, timeout: 5}
metrics: {enabled: false}
`;

/** A running relay. */
export class Relay {
  constructor(child, url) {
    this.child = child;
    this.url = url;
    // A test file that breaks off leaves nothing running.
    process.once("exit", () => child.kill("SIGKILL"));
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once("exit", (code) => resolve(code)));
    this.child.kill("SIGTERM");
    const code = await within(ended, "the end of the relay");
    if (code !== 0) {
      throw new Error(`the relay ended with ${code}`);
    }
  }
}

/** A relay of its own, which a test file starts before and ends after its tests. */
export async function freshRelay() {
  const folder = await Folder.make();
  const relay = await folder.startRelay();
  return {
    url: relay.url,
    async end() {
      await relay.stop();
      await folder.remove();
    },
  };
}

/** An address of this machine that nobody else listens on. The relay goes by it when it asks who a client is. */
function address() {
  return `127.${randomInt(128, 255)}.${randomInt(256)}.${randomInt(1, 255)}:7777`;
}

function program() {
  return process.env.BIGBROTR ?? "bigbrotr";
}

async function addressOf(child) {
  const said = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [word, address] = line.trim().split(/\s+/);
    if (word === "relay" && address?.startsWith("ws")) {
      // Whatever it says later must not fill the pipe.
      child.stderr.resume();
      return address;
    }
  }
  throw new Error(`the relay ended:\n${said.join("\n")}`);
}
