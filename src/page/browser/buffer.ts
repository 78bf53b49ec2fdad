/** Put into the bundle wherever node's global Buffer is named. */
export { Buffer } from "buffer";
