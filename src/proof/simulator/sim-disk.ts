/**
 * A disk in memory that behaves as badly as a real one may, by the dice it is given.
 *
 * Invariants:
 *   SIMDISK-1. What was synced, and names after syncDirectory, survive any crash. A process crash keeps everything that was
 *       carried out; a loss of power keeps each unsynced write wholly, in part or not at all, and a prefix of the
 *       unsynced changes of each directory.
 *   SIMDISK-2. Calls on one file are carried out one after the other. A crash stops them somewhere: the one under way may be
 *       done in part, those behind it are not.
 *   SIMDISK-3. No callback of a process that crashed is called.
 *   SIMDISK-4. After a failed sync the bytes look written, and later syncs do not make them durable.
 */
import { assert } from "../../base/index.ts";
import {
  type Disk,
  type DiskCallback,
  type DiskFile,
  DiskFullError,
  type Random,
} from "../../machine/ports/index.ts";
import { SimFile } from "./sim-file.ts";

export interface SimDiskOptions {
  readonly random: Random;
  /** Calls back later, `ms` from now. */
  readonly schedule: (ms: number, callback: () => void) => void;
  /** Told of each operation before it is carried out; crash tests count and stop here. */
  readonly onOperation?: (name: string, path: string) => void;
}

export type CrashKind = "process" | "power";

/** Contents of files, by path. */
export type DiskCopy = ReadonlyMap<string, Uint8Array>;

type Names = Map<string, SimFile>;
type NameChange = (names: Names) => void;

interface Call {
  readonly name: string;
  readonly ms: () => number;
  readonly run: () => Error | null;
  /** A crash came while it was under way. */
  readonly interrupted: () => void;
  readonly done: DiskCallback;
}

export class SimDisk implements Disk {
  /** How long a write and a sync take, in milliseconds. */
  writeMs = 0.02;
  syncMs = 0.1;
  /** An operation may take up to so many times longer than that. */
  jitter = 0;
  /** Files cannot grow beyond this sum of their sizes. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** So many of the next syncs fail. */
  failSyncs = 0;
  readonly #options: SimDiskOptions;
  #names: Names = new Map();
  #durableNames: Names = new Map();
  readonly #nameChanges = new Map<string, NameChange[]>();
  #handles: Set<SimHandle> = new Set();
  #run = 0;

  constructor(options: SimDiskOptions) {
    this.#options = options;
  }

  /** Bytes in all files. */
  get usedBytes(): number {
    let bytes = 0;
    for (const file of this.#names.values()) bytes += file.size;
    return bytes;
  }

  /** Ends everything the process had under way. The disk can be used again at once, by the next process. */
  crash(kind: CrashKind): void {
    const { random } = this.#options;
    this.#run += 1;
    for (const handle of this.#handles) handle.interrupt();
    this.#handles = new Set();
    if (kind === "process") return;
    for (const [directory, changes] of this.#nameChanges) {
      const kept = random.uint32() % (changes.length + 1);
      for (const change of changes.slice(0, kept)) change(this.#durableNames);
      this.#nameChanges.delete(directory);
    }
    this.#names = new Map(this.#durableNames);
    for (const file of new Set(this.#names.values())) file.losePower(random);
  }

  /** Changes stored bytes unnoticed: damage, durable at once. */
  corrupt(path: string, position: number, change: (byte: number) => number): void {
    const file = this.#file(path);
    const byte = file.read(position, 1)[0];
    assert(byte !== undefined, `there is no byte ${position} in ${path}`);
    file.write(position, Uint8Array.of(change(byte)));
    file.settle();
  }

  /** All files as programs see them at this moment. */
  copy(): DiskCopy {
    return new Map([...this.#names].map(([path, file]) => [path, file.read(0, file.size).slice()]));
  }

  /** From now on the disk holds this and nothing else, durably. No process may run on it. */
  restore(files: DiskCopy): void {
    assert(this.#handles.size === 0, "a disk is changed only while no process has files open");
    this.#names = new Map();
    for (const [path, bytes] of files) {
      const file = new SimFile();
      file.write(0, bytes);
      file.settle();
      this.#names.set(path, file);
    }
    this.#durableNames = new Map(this.#names);
    this.#nameChanges.clear();
  }

  list(directory: string): readonly string[] {
    const prefix = directory === "" ? "" : `${directory}/`;
    return [...this.#names.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  exists(path: string): boolean {
    return this.#names.has(path) || this.list(path).length > 0;
  }

  size(path: string): number {
    return this.#file(path).size;
  }

  read(path: string, position: number, length: number): Uint8Array {
    return this.#file(path).read(position, length);
  }

  /** Directories exist as soon as something is in them. */
  makeDirectory(): void {}

  writeNow(path: string, position: number, bytes: Uint8Array): void {
    this.announce("writeNow", path);
    const file = this.#file(path);
    this.#checkRoom(file, position + bytes.length);
    file.write(position, bytes);
    this.announce("syncNow", path);
    file.synced();
  }

  replace(path: string, bytes: Uint8Array): void {
    this.announce("replace", path);
    const file = new SimFile();
    this.#checkRoom(file, bytes.length);
    file.write(0, bytes);
    file.settle();
    this.#changeNames(path, (names) => names.set(path, file));
    this.#syncNames(path);
  }

  open(path: string): DiskFile {
    let file = this.#names.get(path);
    if (file === undefined) {
      this.announce("create", path);
      const created = new SimFile();
      this.#changeNames(path, (names) => names.set(path, created));
      file = created;
    }
    const handle = new SimHandle(this, file, path);
    this.#handles.add(handle);
    return handle;
  }

  rename(from: string, to: string): void {
    this.announce("rename", from);
    const file = this.#file(from);
    assert(directoryOf(from) === directoryOf(to), "a rename stays in its directory");
    this.#changeNames(from, (names) => {
      names.delete(from);
      names.set(to, file);
    });
  }

  remove(path: string): void {
    this.announce("remove", path);
    if (this.#names.has(path)) this.#changeNames(path, (names) => names.delete(path));
  }

  syncDirectory(path: string): void {
    this.announce("syncDirectory", path);
    this.#syncNames(`${path}/`);
  }

  /** For the handles. Calls back unless the process has died meanwhile. */
  later(ms: number, callback: () => void): void {
    const run = this.#run;
    const { random, schedule } = this.#options;
    const factor = this.jitter === 0 ? 1 : 1 + (random.uint32() / 2 ** 32) * this.jitter;
    schedule(ms * factor, () => {
      if (run === this.#run) callback();
    });
  }

  get random(): Random {
    return this.#options.random;
  }

  /** A write with its error; a full disk takes what fits. */
  put(file: SimFile, position: number, bytes: Uint8Array): Error | null {
    const room = this.#roomFor(file);
    if (position + bytes.length <= room) {
      file.write(position, bytes);
      return null;
    }
    if (room > position) file.write(position, bytes.subarray(0, room - position));
    return fullError();
  }

  flush(file: SimFile): Error | null {
    if (this.failSyncs > 0) {
      this.failSyncs -= 1;
      file.syncFailed();
      return new Error("input/output error (simulated)");
    }
    file.synced();
    return null;
  }

  closed(handle: SimHandle): void {
    this.#handles.delete(handle);
  }

  announce(name: string, path: string): void {
    this.#options.onOperation?.(name, path);
  }

  #file(path: string): SimFile {
    const file = this.#names.get(path);
    if (file === undefined) throw new Error(`no such file: ${path}`);
    return file;
  }

  /** How far the file may reach. */
  #roomFor(file: SimFile): number {
    return file.size + Math.max(0, this.capacityBytes - this.usedBytes);
  }

  #checkRoom(file: SimFile, size: number): void {
    if (size > this.#roomFor(file)) throw fullError();
  }

  #changeNames(path: string, change: NameChange): void {
    change(this.#names);
    const directory = directoryOf(path);
    const changes = this.#nameChanges.get(directory);
    if (changes === undefined) this.#nameChanges.set(directory, [change]);
    else changes.push(change);
  }

  #syncNames(path: string): void {
    const directory = directoryOf(path);
    for (const change of this.#nameChanges.get(directory) ?? []) change(this.#durableNames);
    this.#nameChanges.delete(directory);
  }
}

class SimHandle implements DiskFile {
  readonly #disk: SimDisk;
  readonly #file: SimFile;
  readonly #path: string;
  readonly #calls: Call[] = [];

  constructor(disk: SimDisk, file: SimFile, path: string) {
    this.#disk = disk;
    this.#file = file;
    this.#path = path;
  }

  write(position: number, bytes: Uint8Array, done: DiskCallback): void {
    this.#call({
      name: "write",
      ms: () => this.#disk.writeMs,
      run: () => this.#disk.put(this.#file, position, bytes),
      interrupted: () => this.#writePart(position, bytes),
      done,
    });
  }

  sync(done: DiskCallback): void {
    this.#call({
      name: "sync",
      ms: () => this.#disk.syncMs,
      run: () => this.#disk.flush(this.#file),
      interrupted: () => {},
      done,
    });
  }

  writeDurably(position: number, bytes: Uint8Array, done: DiskCallback): void {
    this.#call({
      name: "writeDurably",
      ms: () => this.#disk.writeMs + this.#disk.syncMs,
      run: () => this.#disk.put(this.#file, position, bytes) ?? this.#disk.flush(this.#file),
      interrupted: () => this.#writePart(position, bytes),
      done,
    });
  }

  note(position: number, bytes: Uint8Array): Error | null {
    this.#disk.announce("note", this.#path);
    return this.#disk.put(this.#file, position, bytes);
  }

  truncate(length: number, done: DiskCallback): void {
    this.#call({
      name: "truncate",
      ms: () => this.#disk.writeMs,
      run: () => {
        this.#file.truncate(length);
        return null;
      },
      interrupted: () => {},
      done,
    });
  }

  close(done: DiskCallback): void {
    this.#call({
      name: "close",
      ms: () => 0,
      run: () => {
        this.#disk.closed(this);
        return null;
      },
      interrupted: () => {},
      done,
    });
  }

  /** The process died: the call under way may have been carried out in part. */
  interrupt(): void {
    this.#calls[0]?.interrupted();
    this.#calls.length = 0;
  }

  #writePart(position: number, bytes: Uint8Array): void {
    const share = this.#disk.random.uint32() % (bytes.length + 1);
    if (this.#disk.random.uint32() % 2 === 0) {
      this.#disk.put(this.#file, position, bytes);
    } else if (share > 0) {
      this.#disk.put(this.#file, position, bytes.subarray(0, share));
    }
  }

  #call(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length === 1) this.#next();
  }

  #next(): void {
    const call = this.#calls[0];
    if (call === undefined) return;
    this.#disk.later(call.ms(), () => {
      this.#disk.announce(call.name, this.#path);
      const error = call.run();
      this.#calls.shift();
      this.#next();
      call.done(error);
    });
  }
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function fullError(): DiskFullError {
  return new DiskFullError("no space left on the device (simulated)");
}
