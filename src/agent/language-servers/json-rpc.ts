// Loaded when the first language server starts. The bundle gives a CommonJS package's names to a static import only.
export {
  CancellationTokenSource,
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
