// Node analyses every file of a CommonJS package that a module imports, which takes longer than loading the client. Nobody
// analyses what is required, and a bundler understands it.
exports.requireWs = () => require("ws");
