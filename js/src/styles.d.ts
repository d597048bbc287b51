/** The style sheets that the build provides as text; see styles.mjs. */

declare module "styles:*" {
  const css: string;
  export default css;
}
