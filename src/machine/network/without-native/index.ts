/**
 * Imported before anything that imports `ws`, it has `ws` leave alone the native code that unmasks frames: a client has nothing to
 * unmask, and an import should load no native code. Who serves imports `ws` before this, and has it. The order of these three is the point.
 */
import "./native-off.ts";
import "ws";
import "./native-as-before.ts";
