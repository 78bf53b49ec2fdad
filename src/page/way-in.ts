/** How this page says who it is. In the page's memory only. */
export interface WayIn {
  readonly secret: string | null;
  readonly user?: string;
  readonly password?: string;
}

export const NO_WAY_IN: WayIn = { secret: null };
