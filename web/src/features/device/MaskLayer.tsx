import { useRef, useState } from 'react';
import classes from './DevicePage.module.css';
import { type Point, rectangle } from './rectangle';

export interface Drawing {
  /** Width of the camera's picture by its height. */
  aspect: number;
  /** Corners of those that are there, and those that are drawn. */
  known: Point[][];
  fresh: Point[][];
}

interface Props {
  drawing: Drawing;
  onChange: (drawing: Drawing) => void;
}

/** Masks over the live picture; a drag makes one. The viewBox has the picture's shape, so a share is a share of it. */
export function MaskLayer({ drawing, onChange }: Props) {
  const layer = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<{ from: Point; to: Point } | null>(null);
  const place = (event: React.PointerEvent): Point => {
    const matrix = layer.current?.getScreenCTM();
    if (!matrix) return [0, 0];
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [at.x / drawing.aspect, at.y];
  };
  const finish = () => {
    const corners = drag ? rectangle(drag.from, drag.to) : null;
    setDrag(null);
    if (corners) onChange({ ...drawing, fresh: [...drawing.fresh, corners] });
  };
  const corners = drag ? rectangle(drag.from, drag.to) : null;
  const shape = (polygon: readonly Point[]) => polygon.map(([x, y]) => `${x * drawing.aspect},${y}`).join(' ');
  return (
    <svg
      ref={layer}
      className={classes.layer}
      viewBox={`0 0 ${drawing.aspect} 1`}
      data-testid="mask-layer"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = place(event);
        setDrag({ from: at, to: at });
      }}
      onPointerMove={(event) => {
        if (drag) setDrag({ ...drag, to: place(event) });
      }}
      onPointerUp={finish}
      onPointerCancel={() => setDrag(null)}
    >
      {drawing.known.map((polygon) => (
        <polygon key={shape(polygon)} className={classes.mask} points={shape(polygon)} />
      ))}
      {[...drawing.fresh, ...(corners ? [corners] : [])].map((polygon) => (
        <polygon key={shape(polygon)} className={classes.fresh} points={shape(polygon)} />
      ))}
    </svg>
  );
}
