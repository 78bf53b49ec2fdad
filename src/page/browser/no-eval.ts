/**
 * Must be imported before any schema is made: zod would otherwise try whether it may compile code, and the page's content
 * security policy, which forbids that, would report the attempt.
 */
import { config } from "zod";

config({ jitless: true });
