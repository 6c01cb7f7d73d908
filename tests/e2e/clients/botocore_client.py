import os, sys, botocore.session
from botocore.config import Config
API, ID = os.environ["API"], os.environ["ID"]
# The keys that the SDK signs with are the placeholders of the session, the region the user's own.
client = botocore.session.get_session().create_client("s3", region_name="eu-central-1", endpoint_url=API,
                                                      config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))
assert b"key-holder" in client.get_object(Bucket="bucket", Key="whoami")["Body"].read()
events = client.get_object(Bucket="held", Key=ID)["Body"]
assert events.read(13) == b"data: first\n\n"
client.get_object(Bucket="release", Key=ID)["Body"].read()
assert b"data: last" in events.read()
sys.exit(7)
