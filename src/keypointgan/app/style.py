"""Words and style of the page."""

INTRODUCTION = (
    "# keypointgan\n"
    "Keypoints with names, learnt from unlabelled videos and unpaired poses. "
    "Everything on this page happens on this machine."
)

CSS = """
.gradio-container { max-width: 1180px !important; width: 100% !important;
  margin: 0 auto !important; }
.filled img { width: 100% !important; height: 100% !important; object-fit: contain; }
#video-in video, #video-out video { height: 370px; }
.state { font-size: 1rem; margin: .2rem 0 .6rem; }
.dot { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%;
  margin-right: .5rem; }
.dot.live { background: #2da44e; }
.dot.still { background: #afb8c1; }
.tiles { display: grid; gap: .6rem; margin: .6rem 0;
  grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
.tiles div { background: var(--background-fill-secondary); border-radius: .5rem;
  padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.tiles span { opacity: .75; font-size: .85rem; }
.warned { border-left: 4px solid #d4a72c; background: #fff8e5; color: #1c2128;
  padding: .5rem .8rem; margin: .5rem 0; }
.healthy { border-left: 4px solid #3fb950; background: #eefbf0; color: #1c2128;
  padding: .5rem .8rem; margin: .5rem 0; }
.curves { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.curves img { width: 100%; background: #fff; border-radius: .4rem; }
"""
