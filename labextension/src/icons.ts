import { LabIcon } from '@jupyterlab/ui-components';

/** A hull and two sails. */
export const flotillaIcon = new LabIcon({
  name: 'flotilla:icon',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<path class="jp-icon3 jp-icon-selectable" fill="#616161" ' +
    'd="M2.5 17h19l-2.4 4H5zM11 3v12H4zM13 6l7 9h-7z"/></svg>'
});

/** Two bars: let nothing come. */
export const pauseIcon = new LabIcon({
  name: 'flotilla:pause',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<path class="jp-icon3" fill="#616161" d="M6 5h4v14H6zM14 5h4v14h-4z"/></svg>'
});

/** A bar and a triangle: let it go on. */
export const resumeIcon = new LabIcon({
  name: 'flotilla:resume',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<path class="jp-icon3" fill="#616161" d="M4 5h3v14H4zM10 5v14l11-7z"/></svg>'
});
