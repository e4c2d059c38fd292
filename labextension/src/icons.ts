import { LabIcon } from '@jupyterlab/ui-components';

/** A hull and two sails. */
export const flotillaIcon = new LabIcon({
  name: 'flotilla:icon',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<path class="jp-icon3 jp-icon-selectable" fill="#616161" ' +
    'd="M2.5 17h19l-2.4 4H5zM11 3v12H4zM13 6l7 9h-7z"/></svg>'
});
